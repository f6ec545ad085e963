# How arguments are read, alike for layers and images. Plain values only.
{
  /**
    True, or an error that names the first argument which has another value than the one that this stand-in can do.

    Type: String -> AttrSet -> AttrSet -> Bool

    Example: onlyTaking "buildLayer" { maxLayers = 1; } { maxLayers = 3; } throws "buildLayer: maxLayers is 3; wanted 1 …"
  */
  onlyTaking =
    function: wanted: given:
    builtins.all (
      name:
      given.${name} == wanted.${name}
      || throw "${function}: ${name} is ${builtins.toJSON given.${name}}; wanted ${
        builtins.toJSON wanted.${name}
      }, because the offline stand-in of nix2container does no more (nix/offline/README.md)"
    ) (builtins.attrNames wanted);

  /**
    Store paths as text out of nothing (null), one path or derivation, or a list of them.

    Type: Null | Path | Derivation | [Path | Derivation] -> [String]
  */
  pathsOf =
    value:
    map (path: "${path}") (
      if value == null then
        [ ]
      else if builtins.isList value then
        value
      else
        [ value ]
    );

  /**
    The same layers, each once, in the order of their first appearance.

    Type: [Layer] -> [Layer]
  */
  distinct =
    layers:
    map (item: item.layer) (
      builtins.genericClosure {
        startSet = map (layer: {
          key = layer.outPath;
          inherit layer;
        }) layers;
        operator = _item: [ ];
      }
    );
}
