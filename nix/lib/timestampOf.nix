_:
/**
  A flake's lastModifiedDate in the form of RFC 3339, as OCI image configs want it.

  # Type

  ```
  timestampOf :: String -> String
  ```

  # Example

  ```nix
  timestampOf "20260731125959"
  => "2026-07-31T12:59:59Z"
  ```
*/
date:
let
  digits = builtins.match "([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})" date;
  part = builtins.elemAt digits;
in
if digits == null then
  throw "date ${date}: expected 14 digits, YYYYMMDDhhmmss"
else
  "${part 0}-${part 1}-${part 2}T${part 3}:${part 4}:${part 5}Z"
