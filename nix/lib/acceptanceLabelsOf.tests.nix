{ self, ... }:
{
  "an image for which nothing was accepted has no label of it" = {
    expr = self.acceptanceLabelsOf [ ];
    expected = { };
  };
  "every license that was accepted is named" = {
    expr = self.acceptanceLabelsOf [
      "CC-BY-NC-4.0"
      "coqui-cpml"
    ];
    expected."coldstart.accepted-licenses" = "CC-BY-NC-4.0 coqui-cpml";
  };
}
