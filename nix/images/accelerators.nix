# Variables by which an image is given its accelerator: { cpu, cuda }, each a function of the Python environment and its
# packages by name.
{ lib, pkgs }:
let
  sitePackages = environment: "${environment}/${pkgs.python311.sitePackages}";

  # Where NVIDIA's wheels keep their libraries, below site-packages; those of CUDA 13 that are not here share one place.
  librariesOf = {
    nvidia-cublas-cu12 = "nvidia/cublas/lib";
    nvidia-cuda-nvrtc-cu12 = "nvidia/cuda_nvrtc/lib";
    nvidia-cudnn-cu13 = "nvidia/cudnn/lib";
    nvidia-cusparselt-cu13 = "nvidia/cusparselt/lib";
    nvidia-nccl-cu13 = "nvidia/nccl/lib";
    nvidia-nvshmem-cu13 = "nvidia/nvshmem/lib";
  };

  # Where the driver's libraries may be: NVIDIA's container runtime puts them into the first of an image without Debian's
  # layout; a device description (CDI) leaves them where Debian or Ubuntu has them, GKE and WSL where they say.
  driverDirectories = [
    "/usr/lib64"
    "/usr/lib/${pkgs.stdenv.hostPlatform.uname.processor}-linux-gnu"
    "/usr/local/nvidia/lib64"
    "/usr/lib/wsl/lib"
  ];

  # The newest CUDA among the packages: an older driver cannot run what is made for it. Within one major version every
  # driver runs what is made for any. Source: NVIDIA, "CUDA Compatibility", minor version compatibility.
  majorOf =
    packages:
    lib.versions.major (packages.nvidia-cublas or packages.nvidia-cublas-cu12).version;
in
{
  cpu = _environment: _packages: [ ];

  cuda =
    environment: packages:
    let
      ofNvidia = builtins.filter (lib.hasPrefix "nvidia-") (builtins.attrNames packages);
      libraries = lib.unique (map (name: librariesOf.${name} or "nvidia/cu13/lib") ofNvidia);
    in
    [
      "LD_LIBRARY_PATH=${
        lib.concatStringsSep ":" (
          map (directory: "${sitePackages environment}/${directory}") libraries ++ driverDirectories
        )
      }"
      "NVIDIA_DRIVER_CAPABILITIES=compute,utility"
      "NVIDIA_REQUIRE_CUDA=cuda>=${majorOf packages}.0"
      "NVIDIA_VISIBLE_DEVICES=all"
    ];
}
