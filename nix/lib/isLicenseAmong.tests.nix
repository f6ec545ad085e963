{ self, ... }:
let
  isRefused = self.isLicenseAmong [
    "CC-BY-NC-*"
    "unknown"
  ];
in
{
  "a license is found by its name" = {
    expr = isRefused "unknown";
    expected = true;
  };
  "a star stands for any end" = {
    expr = isRefused "CC-BY-NC-SA-4.0";
    expected = true;
  };
  "a name without a star stands for itself only" = {
    expr = isRefused "unknown-2.0";
    expected = false;
  };
  "the beginning of a pattern is not enough" = {
    expr = isRefused "CC-BY-4.0";
    expected = false;
  };
  "no pattern stands for nothing" = {
    expr = self.isLicenseAmong [ ] "MIT";
    expected = false;
  };
}
