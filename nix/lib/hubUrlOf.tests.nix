{ self, ... }:
{
  "a file is named by repository, revision and its path" = {
    expr = self.hubUrlOf {
      repository = "openai-community/gpt2";
      revision = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
      file = "onnx/model.onnx";
    };
    expected = "https://huggingface.co/openai-community/gpt2/resolve/607a30d783dfa663caf39e06633721c8d4cfcd7e/onnx/model.onnx";
  };
}
