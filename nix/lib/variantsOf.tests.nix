{ self, ... }:
let
  matrix = {
    services = {
      wheel = {
        tasks.next-token.gpt = "onnxruntime";
        extras = [ "wheel" ];
        port = 8000;
      };
      voice = {
        tasks = {
          hearing.ear = "ctranslate2";
          speech.throat = "onnxruntime";
        };
        extras = [ "voice" ];
        port = 5001;
      };
      talk = {
        builtOn = [ "voice" ];
        extras = [ "talk" ];
        port = 8000;
        volumes = [ "/kept" ];
      };
    };
    reference = {
      tasks.next-token.gpt = "transformers";
      extras = [ "reference" ];
    };
    accelerators = {
      cpu = { };
      fast = {
        voice.extras = [ "voice-fast" ];
        wheel = {
          tasks.next-token.gpt = "fast";
          extras = [ "wheel-fast" ];
        };
      };
    };
    allPort = 8080;
    modelSets = {
      starter = [
        "small"
        "heard"
        "spoken"
      ];
      mute = [
        "small"
        "heard"
      ];
      strange = [ "stranger" ];
      compared = [
        "small"
        "smaller"
      ];
      twice = [
        "small"
        "same"
      ];
    };
    rows = [ ];
  };
  entries = {
    small = {
      revision = "1";
      task = "next-token";
      architecture = "gpt";
      license = "MIT";
      acceptedLicenses = [ ];
    };
    smaller = entries.small // {
      served_as = "small";
      revision = "2";
    };
    same = entries.small // {
      served_as = "small";
    };
    heard = {
      task = "hearing";
      architecture = "ear";
      license = "MIT";
      acceptedLicenses = [ ];
    };
    spoken = {
      task = "speech";
      architecture = "throat";
      license = "MIT AND CC-BY-NC-4.0";
      acceptedLicenses = [ "CC-BY-NC-4.0" ];
    };
    stranger = {
      task = "next-token";
      architecture = "other";
      license = "MIT";
      acceptedLicenses = [ ];
    };
  };
  row = services: models: {
    inherit services models;
    accelerator = "cpu";
  };
  rowOn = accelerator: services: row services "starter" // { inherit accelerator; };
  variantsOf = rows: self.variantsOf (matrix // { inherit rows; }) entries;
  isRefused = rows: !(builtins.tryEval (builtins.deepSeq (variantsOf rows) true)).success;
in
{
  "a service by itself holds its models, their engines and its extras only, and its mode is set" = {
    expr = variantsOf [ (row [ "voice" ] "starter") ];
    expected.image-voice = {
      name = "coldstart-voice";
      services = [ "voice" ];
      codeOf = [ "voice" ];
      mode = "voice";
      port = 5001;
      ports = [ 5001 ];
      environment = { };
      extras = [ "voice" ];
      models = [
        {
          name = "heard";
          engines = [ "ctranslate2" ];
        }
        {
          name = "spoken";
          engines = [ "onnxruntime" ];
        }
      ];
      licenses = "MIT AND CC-BY-NC-4.0";
      acceptedLicenses = [ "CC-BY-NC-4.0" ];
      accelerator = "cpu";
      volumes = [ ];
    };
  };
  "all services hold every model, its engine and the reference engine for it, and every license" = {
    expr = variantsOf [ (row "all" "starter") ];
    expected.image = {
      name = "coldstart";
      services = [
        "voice"
        "wheel"
      ];
      codeOf = [
        "voice"
        "wheel"
      ];
      mode = "all";
      port = 8080;
      ports = [
        8080
        5001
        8000
      ];
      environment.SERVICE_MODE = "all";
      extras = [
        "voice"
        "wheel"
        "reference"
      ];
      models = [
        {
          name = "heard";
          engines = [ "ctranslate2" ];
        }
        {
          name = "spoken";
          engines = [ "onnxruntime" ];
        }
        {
          name = "small";
          engines = [
            "onnxruntime"
            "transformers"
          ];
        }
      ];
      licenses = "MIT AND CC-BY-NC-4.0";
      acceptedLicenses = [ "CC-BY-NC-4.0" ];
      accelerator = "cpu";
      volumes = [ ];
    };
  };
  "an accelerator adds to each service its extras, and its engine where that reads another form of the model" = {
    expr =
      let
        inherit (variantsOf [ (rowOn "fast" "all") ]) image-fast;
      in
      {
        inherit (image-fast) name extras models accelerator;
      };
    expected = {
      name = "coldstart-fast";
      extras = [
        "voice"
        "wheel"
        "voice-fast"
        "wheel-fast"
        "reference"
      ];
      models = [
        {
          name = "heard";
          engines = [ "ctranslate2" ];
        }
        {
          name = "spoken";
          engines = [ "onnxruntime" ];
        }
        {
          name = "small";
          engines = [
            "onnxruntime"
            "fast"
            "transformers"
          ];
        }
      ];
      accelerator = "fast";
    };
  };
  "an accelerator that nobody knows is refused" = {
    expr = isRefused [ (rowOn "slow" [ "wheel" ]) ];
    expected = true;
  };
  "of all services those that lack a model are left out, and the mode is still to be chosen" = {
    expr = {
      inherit ((variantsOf [ (row "all" "mute") ]).image-mute) services mode ports;
    };
    expected = {
      services = [ "wheel" ];
      mode = "all";
      ports = [
        8080
        8000
      ];
    };
  };
  "several services by name are offered by one process, without the reference engine" = {
    expr = {
      inherit
        ((variantsOf [
          (row [
            "voice"
            "wheel"
          ] "starter")
        ]).image-voice-wheel
        )
        mode
        extras
        environment
        ;
    };
    expected = {
      mode = "all";
      extras = [
        "voice"
        "wheel"
      ];
      environment.SERVICE_MODE = "all";
    };
  };
  "a service that is built on another takes its models, engines, extras and code, and those of an accelerator" = {
    expr =
      let
        inherit (variantsOf [ (rowOn "fast" [ "talk" ]) ]) image-talk-fast;
      in
      {
        inherit (image-talk-fast)
          services
          codeOf
          mode
          ports
          extras
          volumes
          ;
        models = map (model: model.name) image-talk-fast.models;
      };
    expected = {
      services = [ "talk" ];
      codeOf = [
        "talk"
        "voice"
      ];
      mode = "talk";
      ports = [ 8000 ];
      extras = [
        "talk"
        "voice"
        "voice-fast"
      ];
      volumes = [ "/kept" ];
      models = [
        "heard"
        "spoken"
      ];
    };
  };
  "a service that is named and whose parts lack a model is refused" = {
    expr = isRefused [ (row [ "talk" ] "mute") ];
    expected = true;
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
  "a service that is named and lacks a model is refused" = {
    expr = isRefused [ (row [ "voice" ] "mute") ];
    expected = true;
  };
  "a set may hold two revisions of one model" = {
    expr = (variantsOf [ (row [ "wheel" ] "compared") ]).image-wheel-compared.models;
    expected = [
      {
        name = "small";
        engines = [ "onnxruntime" ];
      }
      {
        name = "smaller";
        engines = [ "onnxruntime" ];
      }
    ];
  };
  "one revision of a model twice is refused" = {
    expr = isRefused [ (row [ "wheel" ] "twice") ];
    expected = true;
  };
  "an architecture without an engine is refused" = {
    expr = isRefused [ (row [ "wheel" ] "strange") ];
    expected = true;
  };
}
