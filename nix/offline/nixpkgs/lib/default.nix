/**
  The part of nixpkgs' lib that the project uses: same names, same meaning, own code. tests.nix holds for the genuine
  library too.
*/
let
  trivial = import ./trivial.nix { inherit lib; };
  lists = import ./lists.nix { inherit lib; };
  attrsets = import ./attrsets.nix { inherit lib; };
  strings = import ./strings.nix { inherit lib; };
  sources = import ./paths.nix { inherit lib; };

  lib =
    trivial
    // lists
    // attrsets
    // strings
    // sources
    // {
      inherit
        trivial
        lists
        attrsets
        sources
        ;
      # Not everything that is in strings is at the top.
      strings = strings // {
        escapeNixString = text: lib.escape [ "$" ] (builtins.toJSON text);
      };
      versions = import ./versions.nix;
      licenses = import ./licenses.nix;
    };
in
lib
