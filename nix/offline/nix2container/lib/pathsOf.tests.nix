{ self }:
{
  "nothing is no path" = {
    expr = self.pathsOf null;
    expected = [ ];
  };
  "a derivation is its output" = {
    expr = self.pathsOf { outPath = "/one"; };
    expected = [ "/one" ];
  };
  "a list keeps its order" = {
    expr = self.pathsOf [
      { outPath = "/two"; }
      "/one"
    ];
    expected = [
      "/two"
      "/one"
    ];
  };
}
