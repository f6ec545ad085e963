# How buildLayer and buildImage read their arguments: plain functions, one a file, with their tests beside them.
{
  onlyTaking = import ./onlyTaking.nix;
  pathsOf = import ./pathsOf.nix;
  distinctLayers = import ./distinctLayers.nix;
}
