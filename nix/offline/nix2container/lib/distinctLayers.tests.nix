{ self }:
let
  one.outPath = "/one";
  two.outPath = "/two";
in
{
  "a layer that appears twice stays where it appeared first" = {
    expr = map (layer: layer.outPath) (
      self.distinctLayers [
        two
        one
        two
      ]
    );
    expected = [
      "/two"
      "/one"
    ];
  };
  "no layers are no layers" = {
    expr = self.distinctLayers [ ];
    expected = [ ];
  };
}
