# Manifests (models.json, read by coldstart.domain.manifest): of what an image holds, and of models beside images.
{
  lib,
  pkgs,
  sources,
  entries,
  artifactOf,
  goldenOf,
}:
let
  entryOf = { name, engines }: {
    name = entries.${name}.served_as or name;
    inherit (entries.${name}) task architecture repository revision license;
    required = true;
    artifacts = lib.genAttrs engines (engine: "${artifactOf name engine}");
    golden = goldenOf name;
  };

  # What writes the manifest to `out`, once it has hashed every file.
  commandFor =
    out: models:
    let
      description = pkgs.writeText "models.in.json" (
        builtins.toJSON {
          schema_version = 1;
          inherit models;
        }
      );
    in
    ''
      export PYTHONPATH=${sources.converter}/models
      ${pkgs.python311.interpreter} -B -m convert manifest "${out}" ${description}
    '';
in
{
  /**
    The manifest of an image.

    Type: mkManifest :: [{ name :: String; engines :: [String]; }] -> Derivation
  */
  mkManifest = models: pkgs.runCommand "models.json" { } (commandFor "$out" (map entryOf models));

  /**
    What a model needs to be served from outside an image: its form for an engine, and a manifest that names the form
    relative to itself, for nobody knows where it will be mounted.

    Type: mkVolume :: { name :: String; engine :: String; } -> Derivation
  */
  mkVolume =
    { name, engine }:
    let
      entry = entryOf {
        inherit name;
        engines = [ engine ];
      };
    in
    pkgs.runCommand "volume-${name}" { } ''
      mkdir -p "$out/${name}"
      ln -s ${artifactOf name engine} "$out/${name}/${engine}"
      ${commandFor "$out/models.json" [ (entry // { artifacts.${engine} = "${name}/${engine}"; }) ]}
    '';
}
