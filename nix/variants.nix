# The build matrix as data. Names are computed (lib.variantNameOf), and so are packages, checks and the image tests:
# a new image is a new row here, and what it promises in slo.toml.
{
  # What a service needs of an image: for each task its models' architectures with the engine that runs them, the extras
  # of pyproject.toml, and the services whose models and code it is built on; where it listens, unless PORT says
  # otherwise; and directories for what it keeps.
  services = {
    asr = {
      tasks = {
        speech-to-text.whisper = "ctranslate2";
        voice-activity.silero-vad = "onnxruntime";
      };
      extras = [ "asr" ];
      port = 5001;
    };
    interview = {
      builtOn = [
        "asr"
        "tts"
      ];
      extras = [ "interview" ];
      port = 8000;
      volumes = [ "/var/lib/coldstart" ];
    };
    tts = {
      tasks.text-to-speech = {
        espeak-ng = "espeak-ng";
        kokoro = "kokoro";
      };
      extras = [ "tts" ];
      port = 5002;
    };
    wheel = {
      tasks.next-token.gpt2 = "onnxruntime";
      extras = [ "wheel" ];
      port = 8000;
    };
  };

  # What an image of all services holds on top, so that every answer can be compared with the reference engine's.
  reference = {
    tasks.next-token.gpt2 = "transformers";
    extras = [ "reference" ];
  };

  # What services need on top on a machine of this kind: the extras of its libraries, and engines whose form of a model is
  # another one there. The engines of the CPU stay, for machines that turn out to have no GPU.
  accelerators = {
    cpu = { };
    cuda = {
      asr.extras = [ "asr-cuda" ];
      tts.extras = [ "tts-cuda" ];
      wheel = {
        tasks.next-token.gpt2 = "onnxruntime-cuda";
        extras = [ "wheel-cuda" ];
      };
    };
  };

  # Where all services of an image listen when one process offers them (SERVICE_MODE=all).
  allPort = 8000;

  modelSets = {
    starter = [
      "silero-vad"
      "starter-gpt2"
      "starter-voice"
      "starter-whisper"
    ];
    standard = [
      "gpt2"
      "kokoro"
      "silero-vad"
      "whisper-base"
    ];
    large = [
      "gpt2-medium"
      "silero-vad"
      "whisper-large-v3-turbo"
    ];
  };

  # services: a list of names of `services`, or "all": each that has all its models in the row's set and keeps nothing.
  rows = [
    {
      services = "all";
      models = "starter";
      accelerator = "cpu";
    }
    {
      services = [ "asr" ];
      models = "starter";
      accelerator = "cpu";
    }
    {
      services = [ "interview" ];
      models = "starter";
      accelerator = "cpu";
    }
    {
      services = [ "tts" ];
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
      services = [ "asr" ];
      models = "standard";
      accelerator = "cpu";
    }
    {
      services = [ "tts" ];
      models = "standard";
      accelerator = "cpu";
    }
    {
      services = [ "wheel" ];
      models = "standard";
      accelerator = "cpu";
    }
    {
      services = [ "asr" ];
      models = "large";
      accelerator = "cpu";
    }
    {
      services = [ "wheel" ];
      models = "large";
      accelerator = "cpu";
    }
    {
      services = [ "asr" ];
      models = "starter";
      accelerator = "cuda";
    }
    {
      services = [ "tts" ];
      models = "starter";
      accelerator = "cuda";
    }
    {
      services = [ "wheel" ];
      models = "starter";
      accelerator = "cuda";
    }
    {
      services = "all";
      models = "starter";
      accelerator = "cuda";
    }
    {
      services = [ "asr" ];
      models = "standard";
      accelerator = "cuda";
    }
    {
      services = [ "tts" ];
      models = "standard";
      accelerator = "cuda";
    }
    {
      services = [ "wheel" ];
      models = "standard";
      accelerator = "cuda";
    }
    {
      services = "all";
      models = "standard";
      accelerator = "cuda";
    }
  ];
}
