{ self, ... }:
let
  entry = {
    repository = "openai-community/gpt2";
    revision = "607a";
    license = "MIT";
    architecture = "gpt2";
    task = "next-token";
    acceptedLicenses = [ ];
  };
  of =
    more:
    self.modelComponentOf {
      name = "gpt2";
      engine = "onnxruntime";
      source = "https://example.org/coldstart";
      entry = entry // more;
    };
  files."config.json" = {
    sha256 = "f0";
    size = 7;
    known = "agreed 3";
  };
in
{
  "a model of a hub is its repository at a revision, with its files" = {
    expr = of { inherit files; };
    expected = {
      kind = "model";
      name = "gpt2";
      version = "607a";
      engine = "onnxruntime";
      repository = "openai-community/gpt2";
      license = "MIT";
      architecture = "gpt2";
      task = "next-token";
      origin = "hub";
      origin_name = "openai-community/gpt2";
      parts = [ ];
      inherit files;
    };
  };
  "a model made here has its directory for a source" = {
    expr = (of { directory = "models/starter/gpt2"; }).origin_name;
    expected = "https://example.org/coldstart/models/starter/gpt2";
  };
  "a model out of a package names the package and its version, and no files" = {
    expr =
      let
        made = of {
          package = "espeakng-loader";
          revision = "espeakng-loader 0.2.4";
        };
      in
      [
        made.origin
        made.origin_name
        made.files
      ];
    expected = [
      "package"
      "espeakng-loader 0.2.4"
      { }
    ];
  };
  "the models whose source is in it too are named" = {
    expr = (of { parts = [ "starter-voice" ]; }).parts;
    expected = [ "starter-voice" ];
  };
}
