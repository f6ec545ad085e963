# Models as derivations: the pinned source files, the same model converted for an engine, and the manifest that tells
# the server what an image holds.
{
  lib,
  pkgs,
  coldstartLib,
  python,
  acceptedLicenses,
  sources,
}:
let
  # A model out of a Python package is pinned by the lock.
  pinned =
    entry:
    if entry ? package then
      entry // { revision = "${entry.package} ${python.packages.${entry.package}.version}"; }
    else
      entry;

  policy = builtins.fromTOML (builtins.readFile ../../licenses.toml);

  catalogue = lib.mapAttrs (_name: pinned) (import ./catalogue { inherit lib coldstartLib; });

  licenses = {
    inherit (policy) open refused;
    accepted = acceptedLicenses;
  };
  entries = lib.mapAttrs (coldstartLib.acceptedEntryOf licenses) catalogue;

  mkHubFile = import ./hub-file.nix { inherit pkgs sources; };

  # Only conversion imports torch; an image never holds this environment.
  conversionEnvironment = python.environmentOf {
    name = "convert";
    extras = [ "convert" ];
  };

  fileOf =
    entry: file:
    { sha256, size, ... }:
    if entry ? directory then
      builtins.path {
        name = baseNameOf file;
        path = ../.. + "/${entry.directory}/${file}";
        recursive = false;
        inherit sha256;
      }
    else
      mkHubFile {
        inherit (entry) repository revision;
        inherit file sha256 size;
      };

  # The model as published: in the Hugging Face layout, as the reference engine reads it, or what a package installs.
  sourceOf =
    name: entry:
    if entry ? package then
      "${python.packages.${entry.package}}/${pkgs.python311.sitePackages}"
    else
      mkSource name entry;

  mkSource =
    name: entry:
    pkgs.runCommand "model-${name}" { } ''
      mkdir "$out"
      ${lib.concatStrings (
        lib.mapAttrsToList (file: pin: ''
          mkdir -p "$out/${dirOf file}"
          ln -s ${fileOf entry file pin} "$out/${file}"
          size=$(stat -L -c %s "$out/${file}")
          if [ "$size" != ${toString pin.size} ]; then
            echo "${name}: ${file} has $size bytes; the catalogue says ${toString pin.size}" >&2
            exit 1
          fi
        '') entry.files
      )}
    '';

  partsOf = entry: map (part: published.${part}) (entry.parts or [ ]);

  # The model converted for the engine that serves it, with its golden request and answer (golden.json) beside it.
  mkConverted =
    suffix: options: name: entry:
    pkgs.runCommand "model-${name}-converted${suffix}" { nativeBuildInputs = [ conversionEnvironment ]; } ''
      export HOME=$TMPDIR PYTHONPATH=${sources.converter}/models PYTHONDONTWRITEBYTECODE=1
      python -m convert ${entry.architecture} ${published.${name}} "$out" ${toString (partsOf entry ++ options)}
    '';

  published = lib.mapAttrs sourceOf entries;
  converted = lib.mapAttrs (mkConverted "" [ ]) entries;

  matrix = import ../variants.nix;

  # What a model needs to be served from outside an image: its form for the engine of its service, and a manifest that
  # names the form relative to itself, for nobody knows where it will be mounted.
  mkVolume =
    name: engine:
    let
      description = mkDescription [
        (
          entryOf {
            inherit name;
            engines = [ engine ];
          }
          // {
            artifacts.${engine} = "${name}/${engine}";
          }
        )
      ];
    in
    pkgs.runCommand "volume-${name}" { } ''
      mkdir -p "$out/${name}"
      ln -s ${artifactOf name engine} "$out/${name}/${engine}"
      export PYTHONPATH=${sources.converter}/models
      ${pkgs.python311.interpreter} -B -m convert manifest "$out/models.json" ${description}
    '';

  # Derivations, not outputs; of a model whose license is not accepted there is none.
  volumes = lib.mapAttrs (
    name: entry:
    builtins.unsafeDiscardOutputDependency (mkVolume name (coldstartLib.engineOf matrix entry)).drvPath
  ) (lib.filterAttrs (
    name: entry:
    coldstartLib.engineOf matrix entry != null && (builtins.tryEval entries.${name}.acceptedLicenses).success
  ) catalogue);

  entryOf = { name, engines }: {
    inherit name;
    inherit (entries.${name}) task architecture repository revision license;
    required = true;
    artifacts = lib.genAttrs engines (engine: "${artifactOf name engine}");
    golden = "${converted.${name}}/golden.json";
  };

  mkDescription =
    models:
    pkgs.writeText "models.in.json" (
      builtins.toJSON {
        schema_version = 1;
        inherit models;
      }
    );

  # A form of its own for each engine that reads another one than its architecture's first.
  otherForms = {
    # int8 by rows and columns is made for a CPU's instructions.
    onnxruntime-cuda = lib.mapAttrs (mkConverted "-float32" [ "--precision float32" ]) entries;
    transformers = published;
  };
  artifactOf = name: engine: (otherForms.${engine} or converted).${name};
in
{
  inherit entries;

  # The catalogue as `nix run .#models` reads it (coldstart_harness.catalogue.entries).
  file = pkgs.writeText "catalogue.json" (
    builtins.toJSON {
      entries = catalogue;
      sets = matrix.modelSets;
      inherit licenses volumes;
    }
  );

  /**
    Whether the files of a model must be fetched from a hub.

    Type: isFromHub :: String -> Bool
  */
  isFromHub = name: !(entries.${name} ? directory || entries.${name} ? package);

  /**
    The store paths of a model that an image holds, one an engine.

    Type: artifactsOf :: { name :: String; engines :: [String]; } -> [Derivation]
  */
  artifactsOf = { name, engines }: map (artifactOf name) engines;

  /**
    The manifest of an image (models.json, read by coldstart.domain.manifest).

    Type: mkManifest :: [{ name :: String; engines :: [String]; }] -> Derivation
  */
  mkManifest =
    models:
    pkgs.runCommand "models.json" { } ''
      export PYTHONPATH=${sources.converter}/models
      ${pkgs.python311.interpreter} -B -m convert manifest "$out" ${mkDescription (map entryOf models)}
    '';
}
