/**
  The part of nixpkgs' lib that the project uses: same names, same meaning, own code. tests.nix holds for the genuine
  library too.
*/
let
  parts = builtins.foldl' (found: file: found // import file { inherit lib; }) { } [
    ./trivial.nix
    ./lists.nix
    ./attrsets.nix
    ./strings.nix
    ./paths.nix
  ];
  lib = parts // {
    trivial = import ./trivial.nix { inherit lib; };
    lists = import ./lists.nix { inherit lib; };
    attrsets = import ./attrsets.nix { inherit lib; };
    strings = import ./strings.nix { inherit lib; };
    fixedPoints = import ./trivial.nix { inherit lib; };
    versions = import ./strings.nix { inherit lib; };
    sources = import ./paths.nix { inherit lib; };
    licenses = import ./licenses.nix;
  };
in
lib
