{ self, ... }:
let
  rankOf = self.wheelRankOf {
    pythonMinor = 11;
    glibcMinor = 36;
    machine = "x86_64";
  };
  ranked = file: expected: {
    expr = rankOf file;
    inherit expected;
  };
in
{
  "a wheel for this Python, by the age of its glibc" =
    ranked "numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl"
      [
        0
        0
        8
      ];
  "the best of several platform tags counts" =
    ranked "uvloop-0.23.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"
      [
        0
        0
        8
      ];
  "the old names of manylinux tags are known" =
    ranked "coverage-7.17.3-cp311-cp311-manylinux1_x86_64.whl"
      [
        0
        0
        31
      ];
  "a plain Linux tag fits, after every manylinux one" =
    ranked "foo-1.0-cp311-cp311-linux_x86_64.whl"
      [
        0
        0
        37
      ];
  "the stable ABI of an older Python" =
    ranked "tokenizers-0.23.3-cp310-abi3-manylinux_2_17_x86_64.whl"
      [
        1
        1
        19
      ];
  "a program in a wheel" =
    ranked "ruff-0.17.5-py3-none-manylinux_2_17_x86_64.whl"
      [
        3
        0
        19
      ];
  "a wheel for everything" = ranked "h11-0.16.0-py3-none-any.whl" [ 4 0 0 ];
  "a wheel for both Pythons" = ranked "flatbuffers-25.12.19-py2.py3-none-any.whl" [ 4 0 0 ];
  "a build number is no tag" = ranked "foo-1.0-2-py3-none-any.whl" [ 4 0 0 ];
  "another Python does not fit" = ranked "numpy-2.4.6-cp312-cp312-manylinux_2_28_x86_64.whl" null;
  "the free-threaded Python does not fit" =
    ranked "numpy-2.4.6-cp313-cp313t-manylinux_2_28_x86_64.whl" null;
  "the stable ABI of a newer Python does not fit" =
    ranked "foo-1.0-cp312-abi3-manylinux_2_28_x86_64.whl" null;
  "a newer glibc does not fit" = ranked "foo-1.0-cp311-cp311-manylinux_2_39_x86_64.whl" null;
  "another processor does not fit" = ranked "numpy-2.4.6-cp311-cp311-manylinux_2_28_aarch64.whl" null;
  "musl does not fit" = ranked "numpy-2.4.6-cp311-cp311-musllinux_1_2_x86_64.whl" null;
  "another system does not fit" = ranked "pywin32-312-cp311-cp311-win_amd64.whl" null;
  "Python 2 does not fit" = ranked "foo-1.0-py2-none-any.whl" null;
  "a source archive is no wheel" = ranked "numpy-2.4.6.tar.gz" null;
}
