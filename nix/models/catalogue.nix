# The catalogue: one entry a model. Its source is `files` of a repository, or of a `directory` here, or what a Python
# `package` installs that poetry.lock pins; `parts` are other entries whose source goes into its artifact, too, and
# the license, an SPDX expression, covers them. `known` says how a file's hash is known:
#   "made here"  the file is in this repository, next to the script that makes it;
#   "agreed N"   N independent public sources state the same sha256; the file was not downloaded to check it.
{
  starter-gpt2 = {
    repository = "coldstart/starter-gpt2";
    revision = "1";
    directory = ../../models/starter/gpt2;
    license = "MIT";
    architecture = "gpt2";
    task = "next-token";
    files = {
      "config.json" = {
        sha256 = "07d19afacbca282148bb948a1c463ef36ff83268cacfa03a50c3b965272343e2";
        size = 785;
        known = "made here";
      };
      "model.safetensors" = {
        sha256 = "3b9c4dd4d5b293ddd0e0d224b213a7a1a3d05fe6eac071e1e84adcfa7f6faf12";
        size = 2225536;
        known = "made here";
      };
      "tokenizer.json" = {
        sha256 = "34e5a611c3837f9ccb4c133b2565ce2790aabc7a6c2aeb0ba471443eba54582d";
        size = 83075;
        known = "made here";
      };
    };
  };

  silero-vad = {
    repository = "snakers4/silero-vad";
    package = "faster-whisper";
    license = "MIT";
    architecture = "silero-vad";
    task = "voice-activity";
  };

  starter-voice = {
    repository = "espeak-ng/espeak-ng";
    package = "espeakng-loader";
    license = "GPL-3.0-or-later";
    architecture = "espeak-ng";
    task = "text-to-speech";
  };

  gpt2 = {
    repository = "openai-community/gpt2";
    revision = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
    license = "MIT";
    architecture = "gpt2";
    task = "next-token";
    files = {
      "config.json" = {
        sha256 = "0daed7749b4f02b8f76240d5444551d7b08712dab4d0adb8239c56ba823bb7b4";
        size = 665;
        known = "agreed 5";
      };
      "model.safetensors" = {
        sha256 = "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707";
        size = 548105171;
        known = "agreed 7";
      };
      "tokenizer.json" = {
        sha256 = "8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6";
        size = 1355256;
        known = "agreed 4";
      };
    };
  };

  # As published for CTranslate2: float16, computed in int8.
  whisper-base = {
    repository = "Systran/faster-whisper-base";
    revision = "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66";
    license = "MIT";
    architecture = "whisper";
    task = "speech-to-text";
    files = {
      "config.json" = {
        sha256 = "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a";
        size = 2309;
        known = "agreed 5";
      };
      "model.bin" = {
        sha256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9";
        size = 145217532;
        known = "agreed 6";
      };
      "tokenizer.json" = {
        sha256 = "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab";
        size = 2203239;
        known = "agreed 5";
      };
      "vocabulary.txt" = {
        sha256 = "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913";
        size = 459861;
        known = "agreed 5";
      };
    };
  };

  # The voices are American (a) and British (b), female (f) and male (m). Phonemes are espeak-ng's.
  kokoro = {
    repository = "onnx-community/Kokoro-82M-v1.0-ONNX";
    revision = "1939ad2a8e416c0acfeecc08a694d14ef25f2231";
    license = "Apache-2.0 AND GPL-3.0-or-later";
    architecture = "kokoro";
    task = "text-to-speech";
    parts = [ "starter-voice" ];
    files = {
      "config.json" = {
        sha256 = "df34b4f930b23447cd4dc410fabfb42eb3f24e803e6c3f97d618fb359380a36f";
        size = 44;
        known = "agreed 3";
      };
      "onnx/model.onnx" = {
        sha256 = "8fbea51ea711f2af382e88c833d9e288c6dc82ce5e98421ea61c058ce21a34cb";
        size = 325532232;
        known = "agreed 3";
      };
      "tokenizer.json" = {
        sha256 = "77a02c8e164413299b4b4c403b14f8e0e1c1b727db4d46a09d6327b861060a34";
        size = 3497;
        known = "agreed 3";
      };
      "voices/af_bella.bin" = {
        sha256 = "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b";
        size = 522240;
        known = "agreed 3";
      };
      "voices/af_heart.bin" = {
        sha256 = "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b";
        size = 522240;
        known = "agreed 3";
      };
      "voices/af_nicole.bin" = {
        sha256 = "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a";
        size = 522240;
        known = "agreed 3";
      };
      "voices/af_sarah.bin" = {
        sha256 = "4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a";
        size = 522240;
        known = "agreed 2";
      };
      "voices/am_fenrir.bin" = {
        sha256 = "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43";
        size = 522240;
        known = "agreed 3";
      };
      "voices/am_michael.bin" = {
        sha256 = "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1";
        size = 522240;
        known = "agreed 3";
      };
      "voices/am_puck.bin" = {
        sha256 = "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0";
        size = 522240;
        known = "agreed 3";
      };
      "voices/bf_emma.bin" = {
        sha256 = "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73";
        size = 522240;
        known = "agreed 3";
      };
      "voices/bf_isabella.bin" = {
        sha256 = "3754352c4aaa46d17f27654ab7518d65b62ad6163a0f55a5f4330c2da2c4e94f";
        size = 522240;
        known = "agreed 2";
      };
      "voices/bm_daniel.bin" = {
        sha256 = "6b3194bbceffb746733cbc22c8f593dd44e401a71d53895a2dca891bc595a1e8";
        size = 522240;
        known = "agreed 2";
      };
      "voices/bm_george.bin" = {
        sha256 = "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc";
        size = 522240;
        known = "agreed 3";
      };
    };
  };
}
