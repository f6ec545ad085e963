# Attribute sets.
{ lib }:
let
  inherit (builtins)
    attrNames
    hasAttr
    head
    isAttrs
    length
    listToAttrs
    mapAttrs
    tail
    ;
in
{
  inherit (builtins)
    attrNames
    attrValues
    catAttrs
    getAttr
    hasAttr
    intersectAttrs
    listToAttrs
    mapAttrs
    removeAttrs
    zipAttrsWith
    ;

  nameValuePair = name: value: { inherit name value; };
  genAttrs = names: function: listToAttrs (map (name: lib.nameValuePair name (function name)) names);
  optionalAttrs = condition: attributes: if condition then attributes else { };
  attrsToList = lib.mapAttrsToList lib.nameValuePair;

  mapAttrs' = function: set: listToAttrs (lib.mapAttrsToList function set);
  mapAttrsToList = function: set: map (name: function name set.${name}) (attrNames set);
  concatMapAttrs = function: set: lib.mergeAttrsList (lib.mapAttrsToList function set);
  mergeAttrsList = builtins.foldl' (merged: set: merged // set) { };
  filterAttrs =
    condition: set: removeAttrs set (builtins.filter (name: !(condition name set.${name})) (attrNames set));
  foldlAttrs =
    function: initial: set:
    builtins.foldl' (result: name: function result name set.${name}) initial (attrNames set);
  mapAttrsRecursive =
    function: set:
    let
      under =
        path:
        mapAttrs (
          name: value: if isAttrs value then under (path ++ [ name ]) value else function (path ++ [ name ]) value
        );
    in
    under [ ] set;
  collect =
    condition: set:
    if condition set then
      [ set ]
    else if isAttrs set then
      builtins.concatMap (lib.collect condition) (builtins.attrValues set)
    else
      [ ];
  zipAttrs = builtins.zipAttrsWith (_name: values: values);
  cartesianProduct =
    choices:
    builtins.foldl' (
      sets: name: builtins.concatMap (set: map (value: set // { ${name} = value; }) choices.${name}) sets
    ) [ { } ] (attrNames choices);
  mapCartesianProduct = function: choices: map function (lib.cartesianProduct choices);

  attrByPath =
    path: default: set:
    if path == [ ] then
      set
    else if isAttrs set && hasAttr (head path) set then
      lib.attrByPath (tail path) default set.${head path}
    else
      default;
  hasAttrByPath =
    path: set: path == [ ] || isAttrs set && hasAttr (head path) set && lib.hasAttrByPath (tail path) set.${head path};
  getAttrFromPath =
    path: set:
    lib.attrByPath path (throw "cannot find attribute '${builtins.concatStringsSep "." path}'") set;
  attrVals = names: set: map (name: set.${name}) names;
  getAttrs = names: set: lib.genAttrs names (name: set.${name});
  setAttrByPath =
    path: value:
    if path == [ ] then value else { ${head path} = lib.setAttrByPath (tail path) value; };

  recursiveUpdate = lib.recursiveUpdateUntil (
    _path: left: right:
    !(isAttrs left && isAttrs right)
  );
  recursiveUpdateUntil =
    isLeaf: left: right:
    let
      under =
        path:
        builtins.zipAttrsWith (
          name: values:
          let
            here = path ++ [ name ];
            right' = head values;
            left' = head (tail values);
          in
          if length values == 1 || isLeaf here left' right' then right' else under here values
        );
    in
    under [ ] [ right left ];

  isDerivation = value: value.type or null == "derivation";
  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  getOutput =
    output: package:
    if !(package ? outputSpecified) || !package.outputSpecified then
      package.${output} or package.out or package
    else
      package;
  getBin = lib.getOutput "bin";
  getLib = lib.getOutput "lib";
  getDev = lib.getOutput "dev";
}
