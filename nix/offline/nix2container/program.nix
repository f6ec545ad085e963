# The Python program, compiled: copying an image would otherwise spend half of its time on its own source.
{ pkgs }:
let
  inherit (pkgs.python311) interpreter;

  source = builtins.path {
    path = ./layers;
    name = "layers";
    filter = path: _type: baseNameOf path != "__pycache__";
  };

  program = pkgs.runCommand "nix2container-layers" { } ''
    mkdir "$out"
    cp -r ${source} "$out/layers"
    chmod -R u+w "$out"
    ${interpreter} -B -m compileall -q -f --invalidation-mode unchecked-hash -s "$out" -p "$out" "$out/layers"
  '';
in
{
  /**
    A shell command line that runs the program without looking at the current directory.

    Type: String
  */
  command = "PYTHONPATH=${program} exec ${interpreter} -P -B -m layers";

  /**
    A derivation that is one run of the program: no shell takes part in it.

    Type: { command : String, name : String, request : AttrSet, roots : [String] } -> Derivation

    `request` reaches the program as JSON, `roots` as the files graph-0, graph-1, … with the closure of each.
  */
  mkRun =
    {
      command,
      name,
      request,
      roots ? [ ],
    }:
    let
      graphs = builtins.genList (index: "graph-${toString index}") (builtins.length roots);
    in
    derivation {
      inherit name;
      inherit (pkgs.stdenv.hostPlatform) system;
      builder = interpreter;
      args = [
        "-P"
        "-B"
        "-m"
        "layers"
        command
      ];
      PYTHONPATH = program;
      # Nix starts a builder under its bare name, and Python looks for its own library beside the file of that name.
      PATH = "${pkgs.python311}/bin";
      exportReferencesGraph = builtins.concatLists (
        builtins.genList (index: [
          (builtins.elemAt graphs index)
          (builtins.elemAt roots index)
        ]) (builtins.length roots)
      );
      request = builtins.toJSON (request // { inherit graphs; });
      passAsFile = [ "request" ];
      # Reading the paths again is faster than any other machine could send them.
      preferLocalBuild = true;
      allowSubstitutes = false;
    };
}
