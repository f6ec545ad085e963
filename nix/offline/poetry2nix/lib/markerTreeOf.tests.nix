{ self, ... }:
let
  comparison = name: value: {
    left.variable = name;
    operator = "==";
    right.constant = value;
  };
  a = comparison "a" "1";
  b = comparison "b" "2";
  c = comparison "c" "3";
  tree = marker: expected: {
    expr = self.markerTreeOf marker;
    inherit expected;
  };
  refused = marker: {
    expr = (builtins.tryEval (builtins.deepSeq (self.markerTreeOf marker) true)).success;
    expected = false;
  };
in
{
  "one comparison" = tree "a == '1'" { any = [ { all = [ a ]; } ]; };
  "and binds closer than or" = tree "a == '1' or b == '2' and c == '3'" {
    any = [
      { all = [ a ]; }
      {
        all = [
          b
          c
        ];
      }
    ];
  };
  "parentheses bind closest" = tree "(a == '1' or b == '2') and c == '3'" {
    any = [
      {
        all = [
          {
            any = [
              { all = [ a ]; }
              { all = [ b ]; }
            ];
          }
          c
        ];
      }
    ];
  };
  "chains keep their order" = tree "a == '1' and b == '2' and c == '3'" {
    any = [
      {
        all = [
          a
          b
          c
        ];
      }
    ];
  };
  "the constant may be on the left, and not in is one operator" = tree "'1' not in a" {
    any = [
      {
        all = [
          {
            left.constant = "1";
            operator = "not in";
            right.variable = "a";
          }
        ];
      }
    ];
  };
  "a missing side is refused" = refused "a ==";
  "a missing operator is refused" = refused "a '1'";
  "an unknown operator is refused" = refused "a =! '1'";
  "an open parenthesis is refused" = refused "(a == '1'";
  "a parenthesis too many is refused" = refused "a == '1')";
  "two comparisons without a word between are refused" = refused "a == '1' b == '2'";
  "an empty marker is refused" = refused "";
}
