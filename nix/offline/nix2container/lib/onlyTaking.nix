/**
  True, or an error about the first argument that has another value than the only one which this stand-in can do.

  # Type

  ```
  onlyTaking :: String -> AttrSet -> AttrSet -> Bool
  ```

  # Example

  ```nix
  onlyTaking "buildLayer" { maxLayers = 1; } { maxLayers = 3; }
  => error: buildLayer: maxLayers is 3; wanted 1, …
  ```
*/
function: wanted: given:
builtins.all (
  name:
  given.${name} == wanted.${name}
  || throw "${function}: ${name} is ${builtins.toJSON given.${name}}; wanted ${
    builtins.toJSON wanted.${name}
  }, because the offline stand-in of nix2container does no more (nix/offline/README.md)"
) (builtins.attrNames wanted)
