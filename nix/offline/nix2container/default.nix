/**
  The part of nix2container that this project uses, made of `pkgs` and the standard library of its Python.

  Type: { pkgs } -> { buildImage, buildLayer }
*/
{ pkgs }:
let
  program = import ./program.nix { inherit pkgs; };
  arguments = import ./lib;
  copiersOf = import ./copy.nix { inherit pkgs program; };
  buildLayer = import ./build-layer.nix { inherit program arguments; };
  buildImage = import ./build-image.nix {
    inherit
      pkgs
      program
      arguments
      copiersOf
      buildLayer
      ;
  };
in
{
  inherit buildImage buildLayer;
}
