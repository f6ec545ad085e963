# The packages of a machine with an NVIDIA GPU: the lock's own, CUDA's libraries among them.
#
# They find each other through LD_LIBRARY_PATH, which the image sets (nix/images/accelerators.nix): CTranslate2 opens
# cuBLAS by its bare name, the driver's libraries lie where the container's runtime puts them, and a Nix glibc reads no
# ld.so.cache.
{
  lib,
  pkgs,
  coldstartLib,
  lockedPackages,
}:
let
  isOfCuda =
    name:
    lib.elem name [
      "onnxruntime-gpu"
      "torch"
    ]
    || coldstartLib.isOfNvidia name;

  # What autoPatchelf need not find: CUDA's and the driver's libraries, which the image's variables lead to, and what
  # plug-ins want of hardware that is not there. That nothing else is missing, the proof `cuda` shows of an image.
  foundLater = [
    "libcu*.so.*"
    "libnccl.so.*"
    "libnv*.so.*"
    "libfabric.so.*"
    "libibverbs.so.*"
    "libmlx5.so.*"
    "libmpi.so.*"
    "liboshmem.so.*"
    "libpmix.so.*"
    "librdmacm.so.*"
    "libucp.so.*"
    "libucs.so.*"
  ];

  # Files that nobody opens, below site-packages: TensorRT's provider, whose own libraries are not here, and the second
  # make of the compiler for old drivers, 114 MB.
  unused = {
    nvidia-cuda-nvrtc = "nvidia/cu13/lib/libnvrtc*.alt.so.*";
    nvidia-cuda-nvrtc-cu12 = "nvidia/cuda_nvrtc/lib/libnvrtc*.alt.so.*";
    onnxruntime-gpu = "onnxruntime/capi/libonnxruntime_providers_tensorrt.so";
  };

  made =
    name: package:
    package.overridePythonAttrs (
      old:
      {
        autoPatchelfIgnoreMissingDeps = foundLater;
      }
      // lib.optionalAttrs (unused ? ${name}) {
        postFixup = ''
          ${old.postFixup or ""}
          rm "$out"/${pkgs.python311.sitePackages}/${unused.${name}}
        '';
      }
    );
in
{
  wheels = { };

  # Both are the module `onnxruntime`: the one with CUDA takes the place of the other, and can all that it can.
  leftOut = wanted: lib.optional (lib.elem "onnxruntime-gpu" wanted) "onnxruntime";

  overlay =
    _final: prev:
    lib.genAttrs (builtins.filter isOfCuda (builtins.attrNames lockedPackages)) (name: made name prev.${name});
}
