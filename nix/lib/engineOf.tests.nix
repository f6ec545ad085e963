{ self, ... }:
let
  engineOf = self.engineOf {
    services = {
      voice.tasks.hearing.ear = "ctranslate2";
      wheel.tasks.next-token.gpt = "onnxruntime";
      # It is built on others, and has no task of its own.
      talk.builtOn = [ "voice" ];
    };
  };
in
{
  "the service of a task names the engine of an architecture" = {
    expr = engineOf {
      task = "hearing";
      architecture = "ear";
      license = "MIT";
    };
    expected = "ctranslate2";
  };
  "an architecture that its task does not know has none" = {
    expr = engineOf {
      task = "hearing";
      architecture = "gpt";
    };
    expected = null;
  };
  "a task without a service has none" = {
    expr = engineOf {
      task = "seeing";
      architecture = "ear";
    };
    expected = null;
  };
}
