{ self, ... }:
let
  compared = left: right: expected: {
    expr = self.compareReleases left right;
    inherit expected;
  };
in
{
  "parts are numbers, not text" = compared "3.9" "3.11" (-1);
  "the first difference decides" = compared "4.0" "3.11" 1;
  "a missing part is zero" = compared "3.11" "3.11.0" 0;
  "a longer version is later when its rest is not zero" = compared "3.11.2" "3.11" 1;
  "the same version is the same" = compared "3.11.2" "3.11.2" 0;
  "a leading zero changes nothing" = compared "2026.09" "2026.9" 0;
  "a pre-release is refused" = {
    expr = (builtins.tryEval (self.compareReleases "3.12.0rc1" "3.12")).success;
    expected = false;
  };
}
