{ self, ... }:
let
  free = {
    license = "MIT";
  };
  restricted = {
    license = "CPML";
    mustAccept = true;
  };
  isRefused = value: !(builtins.tryEval value).success;
in
{
  "a license that asks for nothing needs no acceptance" = {
    expr = self.acceptedEntryOf [ ] "gpt2" free;
    expected = free;
  };
  "an accepted license lets its model through" = {
    expr = self.acceptedEntryOf [ "CPML" ] "xtts" restricted;
    expected = restricted;
  };
  "a license that must be accepted and is not stops evaluation" = {
    expr = isRefused (self.acceptedEntryOf [ ] "xtts" restricted);
    expected = true;
  };
  "accepting another license is not enough" = {
    expr = isRefused (self.acceptedEntryOf [ "AGPL-3.0" ] "xtts" restricted);
    expected = true;
  };
}
