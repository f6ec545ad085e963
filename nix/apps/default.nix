# The commands of the project and the development shell.
{
  lib,
  pkgs,
  python,
  models,
  variants,
  images,
  papers,
  checks,
  sources,
}:
let
  inherit (python) development;
  operation = python.environmentOf {
    name = "harness";
    extras = [ "harness" ];
  };

  starter = models.mkManifest variants.image.models;

  # Derivations, not outputs: `up` builds them itself, where a person can watch.
  loadedOf = variant: image: {
    name = "${image.imageName}:${image.imageTag}";
    image = drvOf image;
    to_docker = drvOf image.copyToDockerDaemon;
    to_podman = drvOf image.copyToPodman;
    to_file = drvOf image.copyTo;
    papers = drvOf (papers image variant);
  };
  planOf =
    attribute: image:
    let
      variant = variants.${attribute};
    in
    loadedOf variant image
    // {
      inherit (variant) port environment accelerator;
      layers = image.layerNames;
      tested = variant.accelerator == "cpu" && lib.all (model: !models.isFromHub model.name) variant.models;
      code_changed = loadedOf variant image.codeChanged;
    };
  drvOf = derivation: builtins.unsafeDiscardOutputDependency derivation.drvPath;
  plan = pkgs.writeText "plan.json" (
    builtins.toJSON {
      images = lib.mapAttrs planOf images;
      checks = lib.mapAttrs (_name: drvOf) checks;
    }
  );

  mkApp = name: text: {
    type = "app";
    program = "${
      pkgs.writeShellApplication {
        inherit name text;
      }
    }/bin/${name}";
  };
  mkPythonApp =
    name: environment: arguments:
    mkApp "coldstart-${name}" ''
      export COLDSTART_PLAN=${plan} COLDSTART_CATALOGUE=${models.file} COLDSTART_SLO=${sources.harness}/slo.toml
      export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=${sources.harness}/harness:${sources.harness}
      # A garbage collection leaves alone what the environment of a running process names, and not what its command does.
      export COLDSTART_ENVIRONMENT=${environment}
      exec "$COLDSTART_ENVIRONMENT/bin/python" -m ${arguments} "$@"
    '';
  mkHarnessApp =
    environment: command:
    mkPythonApp command environment "coldstart_harness ${command}";
in
{
  apps = {
    up = mkHarnessApp operation "up";
    down = mkHarnessApp operation "down";
    wait = mkHarnessApp operation "wait";
    test = mkHarnessApp development "test";
    bench = mkHarnessApp development "bench";
    prove = mkHarnessApp operation "prove";
    push = mkHarnessApp operation "push";
    sbom = mkHarnessApp operation "sbom";
    licenses = mkHarnessApp operation "licenses";
    models = mkHarnessApp operation "models";
    harness = mkPythonApp "harness" operation "coldstart_harness";
    load = mkPythonApp "load" development "loadtests";
    dev = mkApp "coldstart-dev" ''
      if [ ! -d server/coldstart ]; then
        echo "dev: run it from the top of the checkout; $PWD has no server/coldstart" >&2
        exit 2
      fi
      export MODELS_MANIFEST=${starter} PROFILE=dev SERVICE_MODE="''${SERVICE_MODE:-all}" PYTHONPATH=$PWD/server
      exec ${development}/bin/python -m uvicorn --factory coldstart.apps.dev:app_factory --reload --reload-dir server "$@"
    '';
  };

  shell = pkgs.mkShell {
    packages = [ development ];
    shellHook = ''
      export MODELS_MANIFEST=${starter} PROFILE=dev SERVICE_MODE=all
      export PYTHONPATH=$PWD/server:$PWD/harness:$PWD/models PYTHONDONTWRITEBYTECODE=1
    '';
  };
}
