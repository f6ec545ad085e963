{ self, ... }:
let
  named = map (name: { inherit name; });
in
{
  "names that are all different give nothing" = {
    expr = self.duplicateNamesOf (named [
      "numpy"
      "torch"
    ]);
    expected = [ ];
  };
  "a name is reported once, however often it occurs" = {
    expr = self.duplicateNamesOf (named [
      "torch"
      "numpy"
      "torch"
      "torch"
    ]);
    expected = [ "torch" ];
  };
  "the report is in alphabetical order" = {
    expr = self.duplicateNamesOf (named [
      "torch"
      "numpy"
      "torch"
      "numpy"
    ]);
    expected = [
      "numpy"
      "torch"
    ];
  };
  "an empty list gives nothing" = {
    expr = self.duplicateNamesOf [ ];
    expected = [ ];
  };
}
