# The trivial builders: derivations out of a few lines of shell or text.
{ lib, final }:
let
  texts = import ./texts.nix { inherit lib final; };

  runCommandWith =
    {
      name,
      stdenv ? final.stdenv,
      runLocal ? false,
      derivationArgs ? { },
    }:
    buildCommand:
    stdenv.mkDerivation (
      {
        inherit name buildCommand;
        passAsFile = [ "buildCommand" ] ++ derivationArgs.passAsFile or [ ];
      }
      // lib.optionalAttrs runLocal {
        preferLocalBuild = true;
        allowSubstitutes = false;
      }
      // removeAttrs derivationArgs [ "passAsFile" ]
    );
in
texts
// {
  inherit runCommandWith;
  runCommand = name: derivationArgs: runCommandWith { inherit name derivationArgs; };
  runCommandLocal =
    name: derivationArgs:
    runCommandWith {
      inherit name derivationArgs;
      runLocal = true;
    };

  linkFarm = import ./link-farm.nix { inherit lib final; };
  symlinkJoin = import ./symlink-join.nix { inherit final; };
  closureInfo = import ./closure-info.nix { inherit final; };
  fetchurl = import ./fetchurl.nix { inherit lib; };
  mkShell = import ./mk-shell.nix { inherit lib final; };
  mkShellNoCC = final.mkShell;
}
