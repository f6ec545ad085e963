# Functions, assertions, files and fixed points.
{ lib }:
{
  inherit (builtins)
    functionArgs
    isAttrs
    isBool
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    lessThan
    pathExists
    readFile
    trace
    ;

  id = value: value;
  const = value: _ignored: value;
  flip =
    function: first: second:
    function second first;
  pipe = builtins.foldl' (value: function: function value);
  toFunction = value: if builtins.isFunction value then value else _ignored: value;

  boolToString = value: if value then "true" else "false";
  min = first: second: if first < second then first else second;
  max = first: second: if first > second then first else second;
  mod = base: divisor: base - (divisor * (builtins.div base divisor));
  compare =
    first: second:
    if first < second then
      -1
    else if first > second then
      1
    else
      0;

  importJSON = path: builtins.fromJSON (builtins.readFile path);
  importTOML = path: builtins.fromTOML (builtins.readFile path);

  warn = message: value: builtins.trace "warning: ${message}" value;
  warnIf = condition: message: if condition then lib.warn message else lib.id;
  throwIf = condition: message: if condition then throw message else lib.id;
  throwIfNot = condition: lib.throwIf (!condition);
  assertMsg = condition: message: if condition then true else throw message;
  assertOneOf =
    name: value: allowed:
    lib.assertMsg (builtins.elem value allowed)
      "${name} is ${builtins.toJSON value}; allowed: ${builtins.toJSON allowed}";

  fix =
    function:
    let
      result = function result;
    in
    result;
  extends =
    overlay: function: final:
    let
      previous = function final;
    in
    previous // overlay final previous;
  composeExtensions =
    first: second: final: previous:
    let
      changed = first final previous;
    in
    changed // second final (previous // changed);
  composeManyExtensions = lib.foldr lib.composeExtensions (_final: _previous: { });
  makeExtensible =
    function:
    lib.fix function
    // {
      extend = overlay: lib.makeExtensible (lib.extends overlay function);
    };
}
