/**
  The same layers, each once, in the order of their first appearance.

  # Type

  ```
  distinctLayers :: [Layer] -> [Layer]
  ```

  # Example

  ```nix
  distinctLayers [ runtime code runtime ]
  => [ runtime code ]
  ```
*/
layers:
map (item: item.layer) (
  builtins.genericClosure {
    startSet = map (layer: {
      key = layer.outPath;
      inherit layer;
    }) layers;
    operator = _item: [ ];
  }
)
