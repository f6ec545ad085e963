# The packages of a machine without a GPU: torch's CPU wheel, and none of what only CUDA needs.
#
# The lock names the CUDA torch only. With both in it, CUDA environments would get the CPU wheel, because poetry2nix
# takes the last of two versions.
{
  lib,
  pkgs,
  coldstartLib,
  lockedPackages,
}:
let
  wheels = (builtins.fromJSON (builtins.readFile ./torch-cpu.json)).${pkgs.stdenv.hostPlatform.system};

  needsCuda = name: name == "onnxruntime-gpu" || coldstartLib.isOfNvidia name;

  made =
    package: wheel:
    package.overridePythonAttrs (_old: {
      inherit (wheel) version;
      src = pkgs.fetchurl {
        # The last part of the URL has a %, which a store path must not.
        name = wheel.file;
        inherit (wheel) url sha256;
      };
    });
in
{
  # The wheels that stand in for the lock's.
  inherit wheels;

  # The packages that an environment does not hold, whatever its extras list.
  leftOut = _wanted: builtins.filter needsCuda (builtins.attrNames lockedPackages);

  overlay = _final: prev: lib.mapAttrs (name: made prev.${name}) wheels;
}
