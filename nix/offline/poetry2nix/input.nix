# The flake input poetry2nix, as far as nix/python asks for it.
{ nixpkgs }:
{
  outPath = ./.;

  lib.mkPoetry2Nix =
    { pkgs }:
    import ./. {
      inherit pkgs;
      inherit (nixpkgs) lib;
    };
}
