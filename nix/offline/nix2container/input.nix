/**
  The stand-in for the flake input nix2container: images and layers by a Python program (./layers) in place of the
  genuine one's Go program and skopeo, under the same names.

  Type: { nixpkgs } -> { packages.<system>.nix2container.{ buildImage, buildLayer } }

  Example: (import ./input.nix { inherit nixpkgs; }).packages.x86_64-linux.nix2container.buildLayer { deps = [ hello ]; }
*/
{ nixpkgs }:
let
  packagesOf = system: { nix2container = import ./. { pkgs = import nixpkgs { inherit system; }; }; };
in
{
  outPath = ./.;
  packages.x86_64-linux = packagesOf "x86_64-linux";
}
