# The build matrix as data. Names are computed (lib.variantNameOf), and so are packages, checks and the image tests:
# a new image is a new row here, and what it promises in slo.toml.
{
  # What a service needs of an image: the task of its models, the engine it runs them on, the extras of pyproject.toml.
  services.wheel = {
    task = "next-token";
    engine = "onnxruntime";
    extras = [ "wheel" ];
    port = 8000;
  };

  # What an image of all services holds on top, so that every answer can be compared with the reference engine's.
  reference = {
    engine = "transformers";
    extras = [ "reference" ];
  };

  modelSets = {
    starter = [ "starter-gpt2" ];
    standard = [ "gpt2" ];
  };

  # services: "all", or a list of names of `services`.
  rows = [
    {
      services = "all";
      models = "starter";
      accelerator = "cpu";
    }
    {
      services = [ "wheel" ];
      models = "starter";
      accelerator = "cpu";
    }
    {
      services = "all";
      models = "standard";
      accelerator = "cpu";
    }
    {
      services = [ "wheel" ];
      models = "standard";
      accelerator = "cpu";
    }
  ];
}
