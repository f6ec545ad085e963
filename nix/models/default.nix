# Models as derivations: the pinned source files, the same model converted for an engine, and the manifest that tells
# the server what an image holds.
{
  lib,
  pkgs,
  coldstartLib,
  python,
  acceptedLicenses,
  matrix,
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

  # A form of its own for each engine that reads another one than its architecture's first.
  otherForms = {
    # int8 by rows and columns is made for a CPU's instructions.
    onnxruntime-cuda = lib.mapAttrs (mkConverted "-float32" [ "--precision float32" ]) entries;
    transformers = published;
  };
  artifactOf = name: engine: (otherForms.${engine} or converted).${name};

  manifests = import ./manifests.nix {
    inherit
      lib
      pkgs
      sources
      entries
      artifactOf
      ;
    goldenOf = name: "${converted.${name}}/golden.json";
  };

  # Derivations, not outputs; of a model whose license is not accepted there is none.
  volumes = lib.mapAttrs (
    name: entry:
    builtins.unsafeDiscardOutputDependency
      (manifests.mkVolume {
        inherit name;
        engine = coldstartLib.engineOf matrix entry;
      }).drvPath
  ) (lib.filterAttrs (
    name: entry:
    coldstartLib.engineOf matrix entry != null && (builtins.tryEval entries.${name}.acceptedLicenses).success
  ) catalogue);
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

  inherit (manifests) mkManifest;
}
