{ self, ... }:
let
  free = {
    license = "MIT";
  };
  restricted = {
    license = "coqui-cpml";
  };
  refused = {
    license = "MIT AND CC-BY-NC-4.0";
  };
  both = {
    license = "MIT AND coqui-cpml";
  };
  entryOf =
    accepted:
    self.acceptedEntryOf {
      open = [
        "Apache-2.0"
        "MIT"
      ];
      refused = [ "CC-BY-NC-*" ];
      inherit accepted;
    } "voice";
  isRefused = value: !(builtins.tryEval value).success;
in
{
  "an open license needs no acceptance" = {
    expr = entryOf [ ] free;
    expected = free // {
      acceptedLicenses = [ ];
    };
  };
  "an accepted license lets its model through, and is recorded" = {
    expr = entryOf [ "coqui-cpml" ] restricted;
    expected = restricted // {
      acceptedLicenses = [ "coqui-cpml" ];
    };
  };
  "a license that is neither open nor accepted stops evaluation" = {
    expr = isRefused (entryOf [ ] restricted);
    expected = true;
  };
  "accepting another license is not enough" = {
    expr = isRefused (entryOf [ "CC-BY-NC-4.0" ] restricted);
    expected = true;
  };
  "every license of several must be open or accepted" = {
    expr = isRefused (entryOf [ ] both);
    expected = true;
  };
  "of several licenses those that were accepted are recorded" = {
    expr = (entryOf [ "coqui-cpml" ] both).acceptedLicenses;
    expected = [ "coqui-cpml" ];
  };
  "a refused license stops evaluation, even where it is accepted" = {
    expr = isRefused (entryOf [ "CC-BY-NC-4.0" ] refused);
    expected = true;
  };
  "an acceptance that no model needs is not recorded" = {
    expr = (entryOf [ "coqui-cpml" ] free).acceptedLicenses;
    expected = [ ];
  };
}
