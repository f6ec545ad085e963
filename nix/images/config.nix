# The OCI image config of a variant, as plain data: what an image promises about how it runs.
{
  description,
  version,
  revision,
  source,
  ...
}:
{
  variant,
  acceleratorVariables,
  acceptanceLabels,
  healthCheck,
  environment,
  code,
  manifest,
}:
let
  python = "${environment}/bin/python";
in
{
  Entrypoint = [
    python
    "-m"
    "coldstart"
  ];
  User = "1000:1000";
  WorkingDir = "/";
  StopSignal = "SIGTERM";
  ExposedPorts = builtins.listToAttrs (
    map (port: {
      name = "${toString port}/tcp";
      value = { };
    }) variant.ports
  );
  # The only directories that the service may write to. With a read-only root give the first a tmpfs, and each of the
  # others, for what is kept, a volume.
  Volumes = builtins.listToAttrs (
    map (name: {
      inherit name;
      value = { };
    }) ([ "/tmp" ] ++ variant.volumes)
  );
  Env = [
    "BUILD_REVISION=${revision}"
    "HF_HUB_OFFLINE=1"
    "HOME=/tmp"
    "HOST=0.0.0.0"
    "MODELS_MANIFEST=${manifest}"
    # NumPy's BLAS is not what computes here; its threads would only cost start-up time.
    "OPENBLAS_NUM_THREADS=1"
    "ORT_DISABLE_TELEMETRY=1"
    "PATH=${environment}/bin"
    "PROFILE=prod"
    "PYTHONDONTWRITEBYTECODE=1"
    "PYTHONPATH=${code}"
    "PYTHONUNBUFFERED=1"
    "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
  ]
  ++ acceleratorVariables
  # Of several services whoever starts the container chooses.
  ++ (if variant.environment ? SERVICE_MODE then [ ] else [ "SERVICE_MODE=${variant.mode}" ]);
  Healthcheck = healthCheck // {
    Test = [
      "CMD"
      python
      "-m"
      "coldstart.apps.healthcheck"
    ];
  };
  Labels = {
    "org.opencontainers.image.title" = variant.name;
    "org.opencontainers.image.description" = description;
    "org.opencontainers.image.version" = version;
    "org.opencontainers.image.revision" = revision;
    "org.opencontainers.image.source" = source;
    "org.opencontainers.image.licenses" = variant.licenses;
  }
  # Who runs the image can see what whoever built it accepted by name (flake.nix).
  // acceptanceLabels;
}
