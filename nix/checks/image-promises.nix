# What an image's config promises, as sentences; each that does not hold is a finding.
{
  lib,
  coldstartLib,
  slo,
}:
config: variant:
let
  valueOf =
    name:
    lib.findFirst (lib.hasPrefix "${name}=") "${name} is not set" config.Env;
  isSet = name: value: valueOf name == "${name}=${value}";
  labels = map (name: "org.opencontainers.image.${name}") [
    "title"
    "description"
    "version"
    "revision"
    "source"
    "licenses"
  ];
  sentences = {
    "runs as 1000:1000" = config.User == "1000:1000";
    "starts the server without a shell" = lib.hasSuffix "/bin/python" (lib.head config.Entrypoint);
    "never asks a hub for a model" = isSet "HF_HUB_OFFLINE" "1";
    "never reports to onnxruntime's vendor" = isSet "ORT_DISABLE_TELEMETRY" "1";
    "never writes bytecode" = isSet "PYTHONDONTWRITEBYTECODE" "1";
    "says which models it holds" = lib.hasPrefix "MODELS_MANIFEST=/nix/store/" (valueOf "MODELS_MANIFEST");
    "exposes the port that it listens on" =
      config.ExposedPorts ? "${toString variant.port}/tcp" && isSet "PORT" (toString variant.port);
    "stops on SIGTERM" = config.StopSignal == "SIGTERM";
    "declares its only writable directory" = lib.attrNames config.Volumes == [ "/tmp" ];
    "has a health check, timed by what slo.toml promises" =
      config.Healthcheck.Test != [ ]
      &&
        removeAttrs config.Healthcheck [ "Test" ]
        == coldstartLib.healthCheckOf (coldstartLib.promisesOf slo variant.name);
    "carries every OCI label" = lib.all (label: config.Labels.${label} or "" != "") labels;
  };
in
map (sentence: "${variant.name} breaks its promise: ${sentence}") (
  lib.attrNames (lib.filterAttrs (_sentence: holds: !holds) sentences)
)
