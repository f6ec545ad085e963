# The same outputs from stand-ins of the three inputs, made of Debian packages and PyPI wheels: for networks that reach
# package mirrors only. See README.md beside this file.
{
  description = "Coldstart, built from package mirrors only";

  outputs =
    { self }:
    let
      nixpkgs = import ./nixpkgs/input.nix;
      nix2container = import ./nix2container/input.nix { inherit nixpkgs; };
      poetry2nix = import ./poetry2nix/input.nix { inherit nixpkgs; };
      outputs = (import ../../flake.nix).outputs {
        inherit nixpkgs nix2container poetry2nix;
        self = self // {
          outPath = ../..;
        };
      };
      # Debian's packages are pinned for one system.
      ofThisSystem = builtins.mapAttrs (_name: bySystem: { inherit (bySystem) x86_64-linux; }) {
        inherit (outputs)
          packages
          checks
          apps
          devShells
          ;
      };
    in
    outputs
    // ofThisSystem
    // {
      lib = outputs.lib // {
        # Every file that must be in the store before a build: read by the fetch step.
        pins = nixpkgs.pins ++ outputs.lib.wheels.x86_64-linux;
        # The wheels of one image, for one whose accelerator wants others: `./nixw fetch IMAGE`.
        imagePins = outputs.lib.imageWheels.x86_64-linux;
      };
    };
}
