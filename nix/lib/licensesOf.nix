_:
/**
  The licenses that all hold for something, out of an SPDX expression of the form "A AND B".

  # Type

  ```
  licensesOf :: String -> [String]
  ```

  # Example

  ```nix
  licensesOf "Apache-2.0 AND GPL-3.0-or-later"
  => [ "Apache-2.0" "GPL-3.0-or-later" ]
  ```
*/
expression: builtins.filter builtins.isString (builtins.split " AND " expression)
