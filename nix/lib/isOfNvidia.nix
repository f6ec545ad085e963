{ lib, ... }:
/**
  Whether a package of the lock is one of those that only a machine with an NVIDIA GPU needs, by its name: CUDA's
  libraries, and the compiler that torch brings for it.

  # Type

  ```
  isOfNvidia :: String -> Bool
  ```

  # Example

  ```nix
  isOfNvidia "nvidia-cublas"
  => true
  ```
*/
name: name == "triton" || lib.hasPrefix "nvidia-" name || lib.hasPrefix "cuda-" name
