# What an image's papers are written from (coldstart_harness.papers): the closure that its layers should hold, and what
# Nix alone knows of store paths, such as where a model came from.
{
  lib,
  pkgs,
  coldstartLib,
  models,
  metadata,
}:
let
  # The system's packages that an image may hold, by nixpkgs' names. Of any other the papers know its store path's name.
  systemNames = [
    "bash"
    "bzip2"
    "cacert"
    "expat"
    "gdbm"
    "glibc"
    "libffi"
    "libidn2"
    "libunistring"
    "libuuid"
    "libxcrypt"
    "mailcap"
    "mpdecimal"
    "ncurses"
    "openssl"
    "python311"
    "readline"
    "sqlite"
    "tzdata"
    "xz"
    "zlib"
  ];
  systemPackages = map (name: pkgs.${name}) (lib.filter (name: pkgs ? ${name}) systemNames) ++ [
    pkgs.stdenv.cc.cc.lib
  ]
  # Of the compiler that built the C library, which is not the one above.
  ++ lib.optional (pkgs.glibc ? libgcc) pkgs.glibc.libgcc;

  source = "${metadata.source}/tree/${if metadata.revision == "dirty" then "HEAD" else metadata.revision}";

  # To name a path is not to need it.
  nameOf = path: builtins.unsafeDiscardStringContext "${path}";
  knownAs = path: known: { ${nameOf path} = [ known ]; };

  outputsOf = package: map (output: package.${output}) (package.outputs or [ "out" ]);

  systemPaths = lib.foldl' (
    paths: package:
    paths // lib.genAttrs (map nameOf (outputsOf package)) (_path: coldstartLib.systemComponentsOf package)
  ) { } systemPackages;

  pythonPath =
    package:
    knownAs package {
      kind = "python";
      name = package.pname;
      inherit (package) version;
      file = package.src.name;
      sha256 = lib.removePrefix "sha256:" package.src.outputHash;
    };

  modelPaths =
    { name, engines }:
    lib.zipListsWith (
      engine: artifact:
      knownAs artifact (
        coldstartLib.modelComponentOf {
          inherit name engine;
          inherit source;
          entry = models.entries.${name};
        }
      )
    ) engines (models.artifactsOf { inherit name engines; });

  # Mozilla's, whoever packages them.
  certificates = map (component: component // { license = "MPL-2.0"; }) (
    coldstartLib.systemComponentsOf pkgs.cacert
  );

  ownPath =
    path: name:
    knownAs path {
      kind = "own";
      inherit name;
      inherit (metadata) version;
    };
in
/**
  A directory: `closure`, every store path that an image needs with what it refers to (as Nix's exportReferencesGraph
  writes it), and `known.json`, what is known of store paths, these and others.

  Type: Image -> Variant -> Derivation
*/
image: variant:
let
  inherit (image) holds;
  known = lib.foldl' (all: some: all // some) systemPaths (
    map pythonPath holds.packages
    ++ lib.concatMap modelPaths variant.models
    ++ map (directories: ownPath directories "volumes") holds.volumes
    ++ [
      (ownPath holds.environment "python-environment")
      (ownPath holds.manifest "models-manifest")
      (ownPath holds.code "server")
      # Certificates are copied out of their package, so that nothing refers to it; its copyright file stays behind.
      (lib.mapAttrs (_path: own: own ++ certificates) (ownPath holds.root "root"))
    ]
  );
  document = pkgs.writeText "known.json" (
    builtins.toJSON {
      schema_version = 1;
      inherit source;
      # Their files lie in / and not in the Nix store.
      at_root = map nameOf ([ holds.root ] ++ holds.volumes);
      inherit known;
    }
  );
in
pkgs.runCommand "papers-${variant.name}"
  {
    exportReferencesGraph = lib.concatLists (lib.imap0 (number: root: [ "closure-${toString number}" root ]) holds.roots);
  }
  ''
    mkdir "$out"
    cat closure-* >"$out/closure"
    ln -s ${document} "$out/known.json"
  ''
