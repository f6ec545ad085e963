{ self, ... }:
let
  usable = file: {
    expr = self.isUsableFile file;
    expected = true;
  };
  useless = file: {
    expr = self.isUsableFile file;
    expected = false;
  };
in
{
  "a source archive is left to the caller" = usable "numpy-2.4.6.tar.gz";
  "a wheel for everything" = usable "h11-0.16.0-py3-none-any.whl";
  "a wheel for both Pythons" = usable "flatbuffers-25.12.19-py2.py3-none-any.whl";
  "a wheel for this Python on Linux" =
    usable "uvloop-0.23.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl";
  "a wheel for the stable ABI on Linux" =
    usable "tokenizers-0.23.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
  "a wheel for ARM" = usable "torch-2.13.0-cp311-cp311-manylinux_2_28_aarch64.whl";
  "a wheel with a local version" = usable "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl";
  "a wheel for Windows" = useless "pywin32-312-cp311-cp311-win_amd64.whl";
  "a wheel for macOS" = useless "torch-2.13.0-cp311-cp311-macosx_14_0_arm64.whl";
  "a wheel for another Python" = useless "torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl";
  "a wheel for a processor that poetry2nix does not know" =
    useless "pydantic_core-2.50.4-cp311-cp311-manylinux_2_31_riscv64.whl";
  "a wheel for two stable ABIs" =
    useless "ruff-0.1.0-cp315-abi3.abi3t-manylinux_2_28_x86_64.whl";
}
