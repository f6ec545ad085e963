{ self, ... }:
{
  "every part of the date has its place" = {
    expr = self.timestampOf "20260731125958";
    expected = "2026-07-31T12:59:58Z";
  };
  "the epoch" = {
    expr = self.timestampOf "19700101000000";
    expected = "1970-01-01T00:00:00Z";
  };
  "a date without a time is refused" = {
    expr = (builtins.tryEval (self.timestampOf "20260731")).success;
    expected = false;
  };
}
