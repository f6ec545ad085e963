{ self, ... }:
let
  promises = {
    ready_s = 2.5;
    deadline_s = 2;
    recovery_s = 5;
    grace_s = 30;
  };
  of = changes: self.healthCheckOf [ (promises // changes) ];
  seconds = n: n * 1000000000;
in
{
  "times follow from the promises" = {
    expr = of { };
    expected = {
      Interval = seconds 30;
      Timeout = seconds 5;
      StartPeriod = seconds 25;
      Retries = 3;
    };
  };
  "a fast start still has ten seconds" = {
    expr = (of { ready_s = 0.2; }).StartPeriod;
    expected = seconds 10;
  };
  "a longer grace is outlasted" = {
    expr = (of { grace_s = 300; }).Retries;
    expected = 12;
  };
  "of several services the slowest counts" = {
    expr =
      (self.healthCheckOf [
        promises
        (promises // { ready_s = 60; })
      ]).StartPeriod;
    expected = seconds 600;
  };
  "a missing promise is refused" = {
    expr = (builtins.tryEval (builtins.deepSeq (self.healthCheckOf [ { } ]) true)).success;
    expected = false;
  };
}
