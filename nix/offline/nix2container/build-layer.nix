{ program, arguments }:
/**
  A layer of the closure of some store paths; its derivation holds the digest and the paths of its tar, not the tar.

  Type: { deps, copyToRoot, layers, ignore, reproducible, perms, maxLayers, metadata } -> Layer

  deps: derivations or store paths; what they refer to comes with them.
  copyToRoot: one or several directories whose content comes to lie in /; what it refers to comes with it.
  layers: layers built before; their store paths are left out here.
  ignore: a store path that is left out.
  perms: a list of { path, regex, mode, uid, gid, uname, gname }: of the store path `path`, the files whose path matches
    `regex` get the mode (octal, in quotes) and owner.
  metadata: the layer's line in the image's history: created_by, author, comment, created.

  Example: buildLayer { deps = [ pkgs.python311 ]; metadata.created_by = "runtime"; }
*/
{
  deps ? [ ],
  copyToRoot ? null,
  ignore ? null,
  layers ? [ ],
  reproducible ? true,
  perms ? [ ],
  maxLayers ? 1,
  contents ? null,
  metadata ? {
    created_by = "nix2container";
  },
}:
let
  inherit (arguments) onlyTaking pathsOf distinctLayers;
  toRoot = pathsOf copyToRoot;
  layer = program.mkRun {
    name = "layers.json";
    command = "layer";
    roots = pathsOf deps ++ toRoot;
    request = {
      inherit metadata;
      copyToRoot = toRoot;
      ignore = if ignore == null then null else "${ignore}";
      layers = pathsOf layers;
      perms = map (perm: perm // { path = "${perm.path}"; }) perms;
    };
  };
in
assert onlyTaking "buildLayer"
  {
    reproducible = true;
    maxLayers = 1;
    contents = null;
  }
  { inherit reproducible maxLayers contents; };
layer
// {
  nestedLayers = distinctLayers (builtins.concatMap (below: below.nestedLayers) layers ++ layers);
}
