/**
  Expressions and what nixpkgs' lib makes of them: { name = { expr; expected; }; }. They hold for the stand-in and for
  the genuine library alike: pass either as `lib`.
*/
{ lib }:
let
  throws = value: !(builtins.tryEval (builtins.deepSeq value null)).success;
  check = expr: expected: { inherit expr expected; };
  counted = lib.foldr (value: found: found ++ [ value ]) [ ];
  extensible = lib.makeExtensible (self: {
    a = 1;
    b = self.a + 1;
  });
in
{
  # lists
  foldl-goes-from-the-left = check (lib.foldl (a: b: "(${a}${b})") "0" [ "1" "2" ]) "((01)2)";
  foldr-goes-from-the-right = check (counted [ 1 2 3 ]) [ 3 2 1 ];
  range-includes-both-ends = check (lib.range 2 4) [ 2 3 4 ];
  range-may-be-empty = check (lib.range 2 1) [ ];
  unique-keeps-the-first = check (lib.unique [ 1 2 1 3 2 ]) [ 1 2 3 ];
  flatten-is-deep = check (lib.flatten [ 1 [ 2 [ 3 ] ] ]) [ 1 2 3 ];
  sublist-stops-at-the-end = check (lib.sublist 1 9 [ 1 2 3 ]) [ 2 3 ];
  drop-more-than-there-is = check (lib.drop 5 [ 1 2 ]) [ ];
  last-of-none-fails = check (throws (lib.last [ ])) true;
  init-drops-the-last = check (lib.init [ 1 2 3 ]) [ 1 2 ];
  subtract-takes-the-second = check (lib.subtractLists [ 1 ] [ 1 2 1 3 ]) [ 2 3 ];
  intersect-keeps-order-of-the-second = check (lib.intersectLists [ 3 1 ] [ 1 2 3 ]) [ 1 3 ];
  find-first = check (lib.findFirst (x: x > 1) null [ 1 2 3 ]) 2;
  find-first-without = check (lib.findFirst (x: x > 9) "none" [ 1 2 3 ]) "none";
  find-single-of-two = check (lib.findSingle (x: x == 1) "none" "several" [ 1 1 ]) "several";
  sort-on = check (lib.sortOn builtins.stringLength [ "ccc" "a" "bb" ]) [ "a" "bb" "ccc" ];
  zip-stops-with-the-shorter = check (lib.zipListsWith (a: b: a + b) [ 1 2 3 ] [ 10 20 ]) [ 11 22 ];
  imap-counts-from-one = check (lib.imap1 (i: v: "${toString i}${v}") [ "a" "b" ]) [ "1a" "2b" ];
  remove-all = check (lib.remove 1 [ 1 2 1 ]) [ 2 ];

  # attribute sets
  map-attrs' = check (lib.mapAttrs' (n: v: lib.nameValuePair "x${n}" (v + 1)) { a = 1; }) { xa = 2; };
  filter-attrs = check (lib.filterAttrs (n: v: n != "a" && v > 1) { a = 5; b = 2; c = 1; }) { b = 2; };
  attr-by-path = check (lib.attrByPath [ "a" "b" ] 0 { a.b = 7; }) 7;
  attr-by-path-default = check (lib.attrByPath [ "a" "c" ] 0 { a.b = 7; }) 0;
  has-attr-by-path = check (lib.hasAttrByPath [ "a" "b" "c" ] { a.b = 7; }) false;
  set-attr-by-path = check (lib.setAttrByPath [ "a" "b" ] 1) { a.b = 1; };
  recursive-update-merges = check (lib.recursiveUpdate { a = { b = 1; c = 2; }; } { a.c = 3; d = 4; }) {
    a = {
      b = 1;
      c = 3;
    };
    d = 4;
  };
  recursive-update-replaces-leaves = check (lib.recursiveUpdate { a.b = 1; } { a = 2; }) { a = 2; };
  cartesian-product = check (lib.cartesianProduct { a = [ 1 2 ]; b = [ 3 4 ]; }) [
    {
      a = 1;
      b = 3;
    }
    {
      a = 1;
      b = 4;
    }
    {
      a = 2;
      b = 3;
    }
    {
      a = 2;
      b = 4;
    }
  ];
  concat-map-attrs = check (lib.concatMapAttrs (n: v: { "${n}1" = v; "${n}2" = v; }) { a = 0; }) {
    a1 = 0;
    a2 = 0;
  };
  collect = check (lib.collect builtins.isInt { a = 1; b.c = 2; d = "x"; }) [ 1 2 ];
  fold-attrs = check (lib.foldlAttrs (sum: _name: value: sum + value) 0 { a = 1; b = 2; }) 3;
  is-derivation = check (map lib.isDerivation [ { type = "derivation"; } { } ]) [ true false ];

  # functions and fixed points
  pipe = check (lib.pipe 2 [ (x: x + 1) toString ]) "3";
  extend-sees-the-final-value = check (extensible.extend (_final: prev: { a = prev.a + 9; })).b 11;
  later-extensions-win = check
    (lib.fix (
      lib.extends (lib.composeManyExtensions [
        (_final: prev: { a = prev.a + 1; })
        (_final: prev: { a = prev.a * 10; })
      ]) (_self: { a = 1; })
    )).a
    20;
  throw-if-not = check (throws (lib.throwIfNot false "no" 1)) true;
  bool = check (map lib.boolToString [ true false ]) [ "true" "false" ];
}
// import ./string-tests.nix { inherit lib check throws; }
