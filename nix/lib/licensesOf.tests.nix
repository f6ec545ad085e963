{ self, ... }:
{
  "one license is one" = {
    expr = self.licensesOf "coqui-cpml";
    expected = [ "coqui-cpml" ];
  };
  "every license of several is named" = {
    expr = self.licensesOf "Apache-2.0 AND GPL-3.0-or-later AND MIT";
    expected = [
      "Apache-2.0"
      "GPL-3.0-or-later"
      "MIT"
    ];
  };
}
