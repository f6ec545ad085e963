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
  isLeftOpen = name: !(lib.any (lib.hasPrefix "${name}=") config.Env);
  promised = lib.attrNames slo.image.${variant.name}.services;
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
    "promises something of each service that it holds, and of no other" = promised == variant.services;
    "exposes the port that slo.toml has for each service" =
      isLeftOpen "PORT"
      && lib.all (service: config.ExposedPorts ? "${toString slo.service.${service}.port}/tcp") promised;
    "sets the mode of its one service, or leaves the choice among several" =
      if variant.environment ? SERVICE_MODE then
        isLeftOpen "SERVICE_MODE"
      else
        map (mode: "SERVICE_MODE=${mode}") variant.services == [ (valueOf "SERVICE_MODE") ];
    "asks for NVIDIA's driver if it has engines for it, and otherwise not" =
      lib.all (name: isLeftOpen name == (variant.accelerator != "cuda")) [
        "NVIDIA_DRIVER_CAPABILITIES"
        "NVIDIA_REQUIRE_CUDA"
        "NVIDIA_VISIBLE_DEVICES"
      ];
    "stops on SIGTERM" = config.StopSignal == "SIGTERM";
    "declares the only directories that it may write to" =
      lib.attrNames config.Volumes == builtins.sort builtins.lessThan ([ "/tmp" ] ++ variant.volumes);
    "has a health check, timed by what slo.toml promises" =
      config.Healthcheck.Test != [ ]
      &&
        removeAttrs config.Healthcheck [ "Test" ]
        == coldstartLib.healthCheckOf (coldstartLib.promisesOf slo variant.name);
    "records the licenses that were accepted for it" =
      let
        expected = coldstartLib.acceptanceLabelsOf variant.acceptedLicenses;
      in
      builtins.intersectAttrs expected config.Labels == expected;
    "carries every OCI label" = lib.all (label: config.Labels.${label} or "" != "") labels;
  };
in
map (sentence: "${variant.name} breaks its promise: ${sentence}") (
  lib.attrNames (lib.filterAttrs (_sentence: holds: !holds) sentences)
)
