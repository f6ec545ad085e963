_:
/**
  The names that more than one element of a list has, each once, in alphabetical order.

  # Type

  ```
  duplicateNamesOf :: [ { name :: String; ... } ] -> [String]
  ```

  # Example

  ```nix
  duplicateNamesOf [ { name = "torch"; } { name = "numpy"; } { name = "torch"; } ]
  => [ "torch" ]
  ```
*/
named:
let
  byName = builtins.groupBy (element: element.name) named;
in
builtins.filter (name: builtins.length byName.${name} > 1) (builtins.attrNames byName)
