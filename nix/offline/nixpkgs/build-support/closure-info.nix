# closureInfo { rootPaths }: files `store-paths`, `total-nar-size` and `registration` about everything reachable.
{ final }:
{ rootPaths }:
final.stdenv.mkDerivation {
  name = "closure-info";
  __structuredAttrs = true;
  exportReferencesGraph.closure = rootPaths;
  preferLocalBuild = true;
  # With structured attributes a builder gets one JSON file, and no environment from the derivation.
  args = [
    "-c"
    "exec ${final.python311.interpreter} ${./closure_info.py}"
  ];
}
