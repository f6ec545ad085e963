{
  pkgs,
  program,
  arguments,
  copiersOf,
  buildLayer,
}:
let
  inherit (arguments) onlyTaking pathsOf distinctLayers;

  architectureOf = {
    x86_64-linux = "amd64";
    aarch64-linux = "arm64";
  };
in
/**
  An image of layers, and on top of them one of whatever else its config and copyToRoot refer to.

  Type: { name, tag, config, layers, copyToRoot, fromImage, arch, perms, maxLayers, created, … } -> Image

  name: with a registry in front, if it has one; lower-cased.
  tag: null stands for the hash of the output.
  config: an OCI image config, with Docker's Healthcheck.
  created: RFC 3339.

  The result is a file: the image without its layers' bytes. It carries imageName, imageTag and the programs that bring it
  out of the store: copyToDockerDaemon, copyToPodman, copyToRegistry, copyTo.

  Example: buildImage { name = "hello"; tag = "1"; config.Entrypoint = [ "${pkgs.hello}/bin/hello" ]; }
*/
{
  name,
  tag ? null,
  config ? { },
  layers ? [ ],
  copyToRoot ? null,
  fromImage ? "",
  arch ? architectureOf.${pkgs.stdenv.hostPlatform.system},
  perms ? [ ],
  maxLayers ? 1,
  initializeNixDatabase ? false,
  nixUid ? 0,
  nixGid ? 0,
  created ? "0001-01-01T00:00:00Z",
  contents ? null,
  meta ? { },
}:
let
  configFile = pkgs.writeText "config.json" (builtins.toJSON config);
  below = distinctLayers (builtins.concatMap (layer: layer.nestedLayers) layers ++ layers);
  top = buildLayer {
    inherit copyToRoot layers perms;
    deps = [ configFile ];
    ignore = configFile;
  };

  image = program.mkRun {
    name = "image-${baseNameOf name}.json";
    command = "image";
    request = {
      inherit config arch created;
      layers = pathsOf (below ++ [ top ]);
    };
  };

  imageName = pkgs.lib.toLower name;
  imageTag = if tag == null then builtins.substring 0 32 (baseNameOf image.outPath) else tag;
in
assert onlyTaking "buildImage"
  {
    fromImage = "";
    maxLayers = 1;
    initializeNixDatabase = false;
    nixUid = 0;
    nixGid = 0;
    contents = null;
  }
  {
    inherit
      fromImage
      maxLayers
      initializeNixDatabase
      nixUid
      nixGid
      contents
      ;
  };
image
// copiersOf { inherit image imageName imageTag; }
// {
  inherit
    meta
    fromImage
    imageName
    imageTag
    ;
  imageRefUnsafe = builtins.unsafeDiscardStringContext "${imageName}:${imageTag}";
}
