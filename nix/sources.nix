# The project's Python as store paths, each with only the files that its users read, so that an edit elsewhere
# rebuilds nothing.
{ lib }:
let
  # Bytecode that a run outside the build left behind must not change a store path.
  isSource =
    path: _type:
    !(lib.hasSuffix ".pyc" path) && !(lib.hasSuffix "__pycache__" path);

  treeOf =
    name: directories:
    builtins.path {
      inherit name;
      path = ../.;
      filter =
        path: type:
        isSource path type
        && lib.any (
          directory:
          let
            wanted = toString (../. + "/${directory}");
          in
          lib.hasPrefix wanted path || lib.hasPrefix "${path}/" wanted
        ) directories;
    };
in
{
  converter = treeOf "coldstart-convert" [ "models/convert" ];
  downloader = builtins.path {
    name = "download.py";
    path = ../harness/coldstart_harness/catalogue/download.py;
  };
  harness = treeOf "coldstart-harness" [
    "bench"
    "harness"
    "loadtests"
    "models/convert"
    "models/starter"
    "pyproject.toml"
    "server"
    "slo"
    "slo.toml"
    "tests"
  ];
  # What lint, types and the unit tests read.
  everything = treeOf "coldstart-source" [
    "bench"
    "deploy"
    "docs"
    "harness"
    "loadtests"
    "models"
    "nix/images/reached_code.py"
    "nix/models"
    "nix/offline"
    "nix/python"
    "nixw"
    "poetry.lock"
    "pyproject.toml"
    "server"
    "slo"
    "slo.toml"
    "tests"
  ];
  server = treeOf "coldstart-server-source" [ "server/coldstart" ];
}
