{ self, ... }:
let
  test = expr: expected: { inherit expr expected; };
in
{
  "a test that holds is counted and no failure" = {
    expr = self.testReportOf { double."of two" = test (2 * 2) 4; };
    expected = {
      count = 1;
      failures = [ ];
    };
  };
  "a failure says which test of which function, what came and what should have" = {
    expr = self.testReportOf {
      double = {
        "of one" = test 2 2;
        "of two" = test 5 4;
      };
    };
    expected = {
      count = 2;
      failures = [ "double: of two: got 5, expected 4" ];
    };
  };
  "a function without a test is refused" = {
    expr =
      (builtins.tryEval
        (self.testReportOf {
          double."of two" = test 4 4;
          halve = { };
        }).count
      ).success;
    expected = false;
  };
}
