{ lib, self, ... }:
/**
  Whether a PEP 508 environment marker holds. The environment gives every variable a string; only `extra` is a list,
  the extras that are wanted, and `extra == "x"` asks whether x is among them.

  # Type

  ```
  markerHolds :: { variable :: String; extra :: [String]; } -> String -> Bool
  ```

  # Example

  ```nix
  markerHolds { sys_platform = "linux"; extra = [ "wheel" ]; } "extra == 'wheel' and sys_platform != 'win32'"
  => true
  ```
*/
environment: marker:
let
  # Source: PEP 508, "Environment Markers": these compare as versions, all others as text.
  versionVariables = [
    "implementation_version"
    "python_full_version"
    "python_version"
  ];

  valueOf =
    side:
    side.constant or (environment.${side.variable}
      or (throw "marker ${marker}: no variable ${side.variable}; there are ${toString (builtins.attrNames environment)}")
    );
  isVersion = side: builtins.elem (side.variable or "") versionVariables;
  isExtra = side: side.variable or "" == "extra";

  refuse =
    { operator, ... }: throw "marker ${marker}: ${operator} is not supported here";

  extraHolds =
    comparison:
    let
      wanted = valueOf (if isExtra comparison.left then comparison.right else comparison.left);
      isWanted = builtins.elem wanted environment.extra;
    in
    {
      "==" = isWanted;
      "!=" = !isWanted;
    }
    .${comparison.operator} or (refuse comparison);

  versionHolds =
    comparison:
    let
      order = self.compareReleases (valueOf comparison.left) (valueOf comparison.right);
    in
    {
      "==" = order == 0;
      "!=" = order != 0;
      "<" = order < 0;
      "<=" = order <= 0;
      ">" = order > 0;
      ">=" = order >= 0;
    }
    .${comparison.operator} or (refuse comparison);

  textHolds =
    comparison:
    let
      left = valueOf comparison.left;
      right = valueOf comparison.right;
    in
    {
      "==" = left == right;
      "!=" = left != right;
      "in" = lib.hasInfix left right;
      "not in" = !(lib.hasInfix left right);
    }
    .${comparison.operator} or (refuse comparison);

  comparisonHolds =
    comparison:
    if isExtra comparison.left || isExtra comparison.right then
      extraHolds comparison
    else if isVersion comparison.left || isVersion comparison.right then
      versionHolds comparison
    else
      textHolds comparison;

  holds =
    tree:
    if tree ? any then
      builtins.any holds tree.any
    else if tree ? all then
      builtins.all holds tree.all
    else
      comparisonHolds tree;
in
holds (self.markerTreeOf marker)
