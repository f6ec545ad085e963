{ self, ... }:
let
  bestOf =
    files:
    (self.bestWheelOf
      {
        pythonMinor = 11;
        glibcMinor = 36;
        machine = "x86_64";
      }
      {
        name = "foo";
        files = map (file: {
          inherit file;
          hash = "sha256:aa";
        }) files;
      }
    ).file;
  best = files: expected: {
    expr = bestOf files;
    inherit expected;
  };
in
{
  "a wheel for this Python before the stable ABI" = best [
    "foo-1-cp311-abi3-manylinux_2_28_x86_64.whl"
    "foo-1-cp311-cp311-manylinux_2_17_x86_64.whl"
  ] "foo-1-cp311-cp311-manylinux_2_17_x86_64.whl";
  "the newest stable ABI first" = best [
    "foo-1-cp38-abi3-manylinux_2_17_x86_64.whl"
    "foo-1-cp310-abi3-manylinux_2_17_x86_64.whl"
  ] "foo-1-cp310-abi3-manylinux_2_17_x86_64.whl";
  "the newest glibc first" = best [
    "foo-1-cp311-cp311-manylinux2014_x86_64.whl"
    "foo-1-cp311-cp311-manylinux_2_28_x86_64.whl"
  ] "foo-1-cp311-cp311-manylinux_2_28_x86_64.whl";
  "a compiled wheel before a pure one" = best [
    "foo-1-py3-none-any.whl"
    "foo-1-cp38-abi3-manylinux_2_17_x86_64.whl"
  ] "foo-1-cp38-abi3-manylinux_2_17_x86_64.whl";
  "what does not fit is passed over" = best [
    "foo-1-cp312-cp312-manylinux_2_28_x86_64.whl"
    "foo-1-cp311-cp311-win_amd64.whl"
    "foo-1.tar.gz"
    "foo-1-py3-none-any.whl"
  ] "foo-1-py3-none-any.whl";
  "no wheel that fits is an error" = {
    expr = (builtins.tryEval (bestOf [ "foo-1.tar.gz" ])).success;
    expected = false;
  };
}
