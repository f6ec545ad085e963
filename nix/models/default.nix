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
  entries = lib.mapAttrs (coldstartLib.acceptedEntryOf acceptedLicenses) (import ./catalogue.nix);

  # Only conversion imports torch; an image never holds this environment.
  conversionEnvironment = python.environmentOf {
    name = "convert";
    extras = [ "convert" ];
  };

  fileOf =
    entry: file:
    { sha256, ... }:
    if entry ? directory then
      builtins.path {
        name = file;
        path = entry.directory + "/${file}";
        recursive = false;
        inherit sha256;
      }
    else
      pkgs.fetchurl {
        name = file;
        url = coldstartLib.hubUrlOf {
          inherit (entry) repository revision;
          inherit file;
        };
        inherit sha256;
      };

  # The model as published (Hugging Face layout): what the reference engine reads.
  mkSource =
    name: entry:
    pkgs.runCommand "model-${name}" { } ''
      mkdir "$out"
      ${lib.concatStrings (
        lib.mapAttrsToList (file: pin: ''
          ln -s ${fileOf entry file pin} "$out/${file}"
          size=$(stat -L -c %s "$out/${file}")
          if [ "$size" != ${toString pin.size} ]; then
            echo "${name}: ${file} has $size bytes; the catalogue says ${toString pin.size}" >&2
            exit 1
          fi
        '') entry.files
      )}
    '';

  # The model converted for the default engine, with its golden request and answer (golden.json) beside it.
  mkConverted =
    name: entry:
    pkgs.runCommand "model-${name}-onnx" { nativeBuildInputs = [ conversionEnvironment ]; } ''
      export HOME=$TMPDIR PYTHONPATH=${sources.converter}/models PYTHONDONTWRITEBYTECODE=1
      python -m convert ${entry.architecture} ${published.${name}} "$out"
    '';

  published = lib.mapAttrs mkSource entries;
  converted = lib.mapAttrs mkConverted entries;

  artifactOf = name: engine: if engine == "transformers" then published.${name} else converted.${name};
in
{
  inherit entries;

  /**
    The store paths that an image of these models and engines holds, one a model.

    Type: mkArtifacts :: { names :: [String]; engines :: [String]; } -> [Derivation]
  */
  artifactsOf =
    { names, engines }: lib.concatMap (name: map (artifactOf name) engines) names;

  /**
    The manifest of an image (models.json, read by coldstart.domain.manifest).

    Type: mkManifest :: { names :: [String]; engines :: [String]; } -> Derivation
  */
  mkManifest =
    { names, engines }:
    let
      entryOf = name: {
        inherit name;
        inherit (entries.${name}) task architecture repository revision license;
        required = true;
        artifacts = lib.genAttrs engines (engine: "${artifactOf name engine}");
        golden = "${converted.${name}}/golden.json";
      };
      description = pkgs.writeText "models.in.json" (
        builtins.toJSON {
          schema_version = 1;
          models = map entryOf names;
        }
      );
    in
    pkgs.runCommand "models.json" { } ''
      export PYTHONPATH=${sources.converter}/models
      ${pkgs.python311.interpreter} -B -m convert manifest "$out" ${description}
    '';
}
