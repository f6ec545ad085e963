# One locked package as a derivation: its wheel, unpacked and compiled.
{
  lib,
  pkgs,
  python,
  packaging,
  platform,
}:
let
  inherit (import ../pins) requiredFile;

  # Of what an override may change, a wheel depends on the first three and the last: it needs no build, and the
  # libraries that it may expect come with the interpreter (nix/offline/nixpkgs).
  mkPackage =
    attributes@{
      pname,
      version,
      src,
      buildInputs,
      propagatedBuildInputs,
      postFixup,
      # No library of a wheel is changed, so none is looked for.
      autoPatchelfIgnoreMissingDeps ? [ ],
    }:
    pkgs.runCommand "python${python.pythonVersion}-${pname}-${version}"
      {
        inherit src;
        # The order of a set's elements is part of the bytecode.
        PYTHONHASHSEED = 0;
      }
      (
        ''
          ${python.interpreter} -P -B ${./build/install_wheel.py} "$src" "$out" --distribution ${pname} \
            --patchelf ${pkgs.patchelf}/bin/patchelf --loader ${pkgs.glibc}/lib/ld-linux-x86-64.so.2 \
            --libraries ${pkgs.stdenv.cc.cc.lib}/lib:${pkgs.glibc}/lib
        ''
        + postFixup
      )
    // {
      inherit pname version src;
      overridePythonAttrs = change: mkPackage (attributes // change attributes);
    };
in
{
  name,
  version,
  files,
  source,
  preferWheels,
  ...
}:
let
  wheel = packaging.bestWheelOf platform { inherit name files; };
in
if source != null then
  throw "${name}: its source is ${builtins.toJSON source}; the stand-in knows wheels of the registry only"
else if !preferWheels then
  throw "${name}: the stand-in can use nothing but wheels; it wants preferWheels = true"
else
  mkPackage {
    pname = name;
    inherit version;
    src = requiredFile {
      name = wheel.file;
      sha256 = lib.removePrefix "sha256:" wheel.hash;
    };
    buildInputs = [ ];
    propagatedBuildInputs = [ ];
    postFixup = "";
  }
