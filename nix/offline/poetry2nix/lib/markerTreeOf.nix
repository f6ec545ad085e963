{ self, ... }:
/**
  A PEP 508 environment marker as a tree: { any = [tree]; } for `or`, { all = [tree]; } for `and`, and comparisons
  { left; operator; right; }, whose sides are { variable = name; } or { constant = string; }. `and` binds closer.

  # Type

  ```
  markerTreeOf :: String -> Tree
  ```

  # Example

  ```nix
  markerTreeOf "extra == 'a'"
  => { any = [ { all = [ { left.variable = "extra"; operator = "=="; right.constant = "a"; } ]; } ]; }
  ```
*/
marker:
let
  fail = found: throw "marker ${marker}: ${found}";
  orEnd = part: tokens: if tokens == [ ] then fail "it ends too early" else part tokens;
  head = orEnd builtins.head;
  tail = orEnd builtins.tail;

  # Each parser takes the tokens that are left and returns { tree; rest; }.
  parseChain =
    word: attribute: parseOne: tokens:
    let
      first = parseOne tokens;
      more = parseChain word attribute parseOne (tail first.rest);
    in
    if first.rest != [ ] && builtins.head first.rest == word then
      {
        tree.${attribute} = [ first.tree ] ++ more.tree.${attribute};
        inherit (more) rest;
      }
    else
      {
        tree.${attribute} = [ first.tree ];
        inherit (first) rest;
      };

  parseAny = parseChain "or" "any" parseAll;
  parseAll = parseChain "and" "all" parseTerm;

  parseTerm =
    tokens:
    if head tokens == "(" then
      let
        inner = parseAny (tail tokens);
      in
      if head inner.rest == ")" then
        {
          inherit (inner) tree;
          rest = tail inner.rest;
        }
      else
        fail "expected ) before ${head inner.rest}"
    else
      parseComparison tokens;

  parseComparison =
    tokens:
    let
      operator = operatorOf (tail tokens);
    in
    {
      tree = {
        left = sideOf (head tokens);
        operator = operator.name;
        right = sideOf (head operator.rest);
      };
      rest = tail operator.rest;
    };

  operators = [
    "=="
    "!="
    "<"
    "<="
    ">"
    ">="
    "~="
    "==="
    "in"
  ];
  operatorOf =
    tokens:
    if head tokens == "not" && head (tail tokens) == "in" then
      {
        name = "not in";
        rest = tail (tail tokens);
      }
    else if builtins.elem (head tokens) operators then
      {
        name = head tokens;
        rest = tail tokens;
      }
    else
      fail "expected an operator instead of ${head tokens}";

  sideOf =
    token:
    let
      quoted = builtins.match "[\"'](.*)[\"']" token;
    in
    if quoted != null then
      { constant = builtins.head quoted; }
    else if builtins.match "[A-Za-z_].*" token != null && !(builtins.elem token [ "and" "or" "not" "in" ]) then
      { variable = token; }
    else
      fail "expected a name or a string instead of ${token}";

  parsed = parseAny (self.markerTokensOf marker);
in
if parsed.rest == [ ] then parsed.tree else fail "nothing may follow before ${head parsed.rest}"
