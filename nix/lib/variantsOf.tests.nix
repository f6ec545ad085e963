{ self, ... }:
let
  matrix = {
    services = {
      wheel = {
        task = "next-token";
        engine = "onnxruntime";
        extras = [ "wheel" ];
        port = 8000;
      };
      voice = {
        task = "speech";
        engine = "onnxruntime";
        extras = [ "voice" ];
        port = 8001;
      };
    };
    reference = {
      engine = "transformers";
      extras = [ "reference" ];
    };
    modelSets = {
      starter = [
        "small"
        "spoken"
      ];
      mute = [ "small" ];
    };
    rows = [ ];
  };
  entries = {
    small = {
      task = "next-token";
      license = "MIT";
    };
    spoken = {
      task = "speech";
      license = "CC-BY-NC-4.0";
    };
  };
  row = services: models: {
    inherit services models;
    accelerator = "cpu";
  };
  variantsOf = rows: self.variantsOf (matrix // { inherit rows; }) entries;
  isRefused = rows: !(builtins.tryEval (builtins.deepSeq (variantsOf rows) true)).success;
in
{
  "a service by itself holds its model, its engine and its extras only" = {
    expr = variantsOf [ (row [ "wheel" ] "starter") ];
    expected.image-wheel = {
      name = "coldstart-wheel";
      mode = "wheel";
      port = 8000;
      extras = [ "wheel" ];
      engines = [ "onnxruntime" ];
      names = [ "small" ];
      licenses = "MIT";
      accelerator = "cpu";
    };
  };
  "all services hold every engine once, the reference engine, and every license" = {
    expr = variantsOf [ (row "all" "starter") ];
    expected.image = {
      name = "coldstart";
      mode = "all";
      port = 8001;
      extras = [
        "voice"
        "wheel"
        "reference"
      ];
      engines = [
        "onnxruntime"
        "transformers"
      ];
      names = [
        "spoken"
        "small"
      ];
      licenses = "MIT AND CC-BY-NC-4.0";
      accelerator = "cpu";
    };
  };
  "every row has its package" = {
    expr = builtins.attrNames (variantsOf [
      (row "all" "starter")
      (row [ "wheel" ] "mute")
    ]);
    expected = [
      "image"
      "image-wheel-mute"
    ];
  };
  "a row twice is refused" = {
    expr = isRefused [
      (row [ "wheel" ] "starter")
      (row [ "wheel" ] "starter")
    ];
    expected = true;
  };
  "a service without a model is refused" = {
    expr = isRefused [ (row "all" "mute") ];
    expected = true;
  };
}
