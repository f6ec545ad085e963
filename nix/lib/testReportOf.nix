{ lib, ... }:
/**
  What came of the tests of some functions: how many there are, and a sentence for each that does not hold. Throws
  the names of functions that have no test.

  A function's tests are a set of { expr; expected; }, keyed by the claim of the test.

  # Type

  ```
  testReportOf :: { function = { claim = { expr :: a; expected :: a; }; }; } -> { count :: Int; failures :: [String]; }
  ```

  # Example

  ```nix
  testReportOf { add."one and one" = { expr = 1 + 1; expected = 3; }; }
  => { count = 1; failures = [ "add: one and one: got 2, expected 3" ]; }
  ```
*/
tests:
let
  untested = builtins.filter (name: tests.${name} == { }) (builtins.attrNames tests);

  resultsOf =
    function: cases:
    lib.mapAttrsToList (claim: test: {
      holds = test.expr == test.expected;
      sentence = "${function}: ${claim}: got ${builtins.toJSON test.expr}, expected ${builtins.toJSON test.expected}";
    }) cases;
  results = lib.concatLists (lib.mapAttrsToList resultsOf tests);
in
if untested != [ ] then
  throw "functions without a test: ${toString untested}"
else
  {
    count = builtins.length results;
    failures = map (result: result.sentence) (builtins.filter (result: !result.holds) results);
  }
