{ lib, ... }:
/**
  Whether one of the patterns stands for a license: its SPDX identifier, or the beginning of it and a `*`.

  # Type

  ```
  isLicenseAmong :: [String] -> String -> Bool
  ```

  # Example

  ```nix
  isLicenseAmong [ "CC-BY-NC-*" ] "CC-BY-NC-4.0"
  => true
  ```
*/
patterns: license:
let
  standsFor =
    pattern:
    pattern == license
    || lib.hasSuffix "*" pattern && lib.hasPrefix (lib.removeSuffix "*" pattern) license;
in
builtins.any standsFor patterns
