# mkShell { packages, inputsFrom, shellHook, … }: the environment that `nix develop` opens.
{ lib, final }:
{
  name ? "nix-shell",
  packages ? [ ],
  inputsFrom ? [ ],
  buildInputs ? [ ],
  nativeBuildInputs ? [ ],
  shellHook ? "",
  ...
}@arguments:
let
  inputsOf =
    kind: lib.subtractLists inputsFrom (lib.flatten (lib.catAttrs kind inputsFrom));
in
final.stdenv.mkDerivation (
  removeAttrs arguments [
    "packages"
    "inputsFrom"
    "buildInputs"
    "nativeBuildInputs"
    "shellHook"
  ]
  // {
    inherit name;
    buildInputs = buildInputs ++ inputsOf "buildInputs";
    nativeBuildInputs = packages ++ nativeBuildInputs ++ inputsOf "nativeBuildInputs";
    shellHook = lib.concatStringsSep "\n" (lib.catAttrs "shellHook" (lib.reverseList inputsFrom) ++ [ shellHook ]);
    # Building a shell gives the list of what it depends on.
    buildCommand = ''
      printf '%s\n' $nativeBuildInputs $buildInputs >"$out"
    '';
    preferLocalBuild = true;
  }
)
