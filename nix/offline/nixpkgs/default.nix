/**
  A stand-in for nixpkgs: the attributes that the project uses, with nixpkgs' names, arguments and meaning, made of
  Debian packages. `config` and `overlays` are taken as the genuine takes them; `config` decides nothing here.
*/
{
  system ? builtins.currentSystem,
  config ? { },
  overlays ? [ ],
}:
let
  lib = import ./lib;
  pins = import ../pins;

  base =
    final:
    let
      debian = import ./debian { inherit system pins; };
      libraries = import ./debian/libraries.nix { inherit (debian) mkTree glibc; };
      programs = import ./debian/programs.nix {
        inherit (debian) mkTree run busybox;
        inherit libraries;
      };
    in
    libraries
    // {
      inherit lib config system;
      inherit (debian) patchelf busybox;
      inherit (programs) bash coreutils cacert;
      bashInteractive = final.bash;
      runtimeShell = "${final.bash}/bin/bash";

      stdenv = import ./stdenv {
        inherit lib system;
        inherit (debian) run;
        inherit (programs) bash coreutils tools;
        inherit (libraries) gccLibs;
      };
      stdenvNoCC = final.stdenv;

      python311 = import ./debian/python.nix {
        inherit (debian) mkTree;
        inherit libraries;
      };
      python3 = final.python311;
    }
    // import ./build-support { inherit lib final; };
in
assert lib.assertMsg (system == "x86_64-linux")
  "the offline inputs are made for x86_64-linux, not ${system}: use the genuine ones (COLDSTART_INPUTS=genuine)";
lib.fix (lib.extends (lib.composeManyExtensions overlays) base)
