# The catalogue: one entry a model. `known` says how a file's hash is known:
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
}
