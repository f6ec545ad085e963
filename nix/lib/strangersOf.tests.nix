{ self, ... }:
let
  locked = {
    h11 = [
      {
        file = "h11-0.16.0-py3-none-any.whl";
        hash = "sha256:aa";
      }
      {
        file = "h11-0.16.0.tar.gz";
        hash = "sha256:bb";
      }
    ];
    torch = [
      {
        file = "torch-2.13.0-cp311-cp311-linux_x86_64.whl";
        hash = "sha256:cc";
      }
    ];
  };
  instead.torch = {
    file = "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl";
    sha256 = "dd";
  };
  strangersOf =
    packages:
    self.strangersOf {
      inherit packages locked instead;
    };
  package = name: file: sha256: { inherit name file sha256; };
in
{
  "a wheel of the lock is none" = {
    expr = strangersOf [ (package "h11" "h11-0.16.0-py3-none-any.whl" "aa") ];
    expected = [ ];
  };
  "the lock's source archive is one" = {
    expr = strangersOf [ (package "h11" "h11-0.16.0.tar.gz" "bb") ];
    expected = [ "h11" ];
  };
  "the lock's wheel with other bytes is one" = {
    expr = strangersOf [ (package "h11" "h11-0.16.0-py3-none-any.whl" "bb") ];
    expected = [ "h11" ];
  };
  "a package that the lock does not know is one" = {
    expr = strangersOf [ (package "toml" "toml-0.10.2-py3-none-any.whl" "ee") ];
    expected = [ "toml" ];
  };
  "the wheel that stands in for the lock's is none, and the lock's own is one" = {
    expr = strangersOf [
      (package "torch" "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl" "dd")
      (package "torch" "torch-2.13.0-cp311-cp311-linux_x86_64.whl" "cc")
    ];
    expected = [ "torch" ];
  };
}
