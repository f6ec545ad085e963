# What poetry2nix must be told so that every package of the lock is the wheel that the lock names, and nothing else gets
# into an environment. It is archived, so none of this will go away.
{
  lib,
  pkgs,
  coldstartLib,
  lockedPackages,
}:
let
  # Shared libraries that a wheel leaves to the machine, beyond those of glibc and gcc that every wheel may expect.
  machineLibraries = {
    av = [ pkgs.zlib ];
    numpy = [ pkgs.zlib ];
    nvidia-cudnn-cu13 = [ pkgs.zlib ];
    triton = [ pkgs.zlib ];
  };

  # Wheels whose libraries are debug information for the most part: 65 of 68 MB of CTranslate2's module.
  wheelsWithDebug = [
    "av"
    "ctranslate2"
    "uvloop"
  ];
in
final: prev:
{
  # It reads the tags of every wheel, and stops at those that are younger than itself.
  mkPoetryDep =
    arguments:
    prev.mkPoetryDep (
      arguments // { files = builtins.filter (file: coldstartLib.isUsableFile file.file) arguments.files; }
    );
}
# Every package is made again of the lock alone. poetry2nix' own overrides are for building from source: they add
# compilers, patch files that a wheel does not have, and propagate packages of nixpkgs; and it takes packaging and
# setuptools from nixpkgs, in older versions than the lock's.
// lib.mapAttrs (
  name: locked:
  let
    package = final.mkPoetryDep (
      locked
      // {
        pwd = null;
        preferWheels = true;
        pythonPackages = final;
        source = locked.source or null;
        sourceSpec = { };
      }
    );
  in
  if machineLibraries ? ${name} || lib.elem name wheelsWithDebug then
    package.overridePythonAttrs (
      old:
      {
        buildInputs = old.buildInputs ++ machineLibraries.${name} or [ ];
      }
      // lib.optionalAttrs (lib.elem name wheelsWithDebug) {
        postFixup = ''
          ${pkgs.python311.interpreter} -B ${./drop_debug.py} "$out"
        '';
      }
    )
  else
    package
) lockedPackages
