{ lib, ... }:
/**
  Compare two versions that are numbers and dots only: -1, 0 or 1. Missing parts count as 0, as in PEP 440 and unlike
  in builtins.compareVersions.

  # Type

  ```
  compareReleases :: String -> String -> Int
  ```

  # Example

  ```nix
  compareReleases "3.9" "3.11"
  => -1
  ```
*/
left: right:
let
  partsOf =
    version:
    if builtins.match "[0-9]+(\\.[0-9]+)*" version == null then
      throw "version ${version}: expected numbers and dots only"
    else
      # Not toInt of the text as it is: fromJSON refuses a leading zero.
      map (part: builtins.fromJSON (builtins.head (builtins.match "0*([0-9]+)" part))) (lib.splitString "." version);

  compare =
    a: b:
    let
      first = parts: if parts == [ ] then 0 else builtins.head parts;
      rest = parts: if parts == [ ] then [ ] else builtins.tail parts;
    in
    if a == [ ] && b == [ ] then
      0
    else if first a != first b then
      (if first a < first b then -1 else 1)
    else
      compare (rest a) (rest b);
in
compare (partsOf left) (partsOf right)
