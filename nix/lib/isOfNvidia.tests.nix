{ self, ... }:
{
  "a library of CUDA is" = {
    expr = map self.isOfNvidia [
      "nvidia-cublas-cu12"
      "cuda-bindings"
      "triton"
    ];
    expected = [
      true
      true
      true
    ];
  };
  "what computes on it is not" = {
    expr = map self.isOfNvidia [
      "onnxruntime-gpu"
      "torch"
    ];
    expected = [
      false
      false
    ];
  };
}
