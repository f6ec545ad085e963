# Images: a row of nix/variants.nix as layers, from the one that never changes to the one that always does.
{
  lib,
  pkgs,
  coldstartLib,
  nix2container,
  pythonOf,
  models,
  matrix,
  metadata,
  slo,
  sources,
}:
let
  inherit (nix2container) buildImage buildLayer;

  root = import ./root.nix { inherit pkgs; };
  # The directories of volumes; a list, for an image without volumes has none.
  directoriesOf =
    variant:
    lib.optional (variant.volumes != [ ]) (
      pkgs.runCommand "image-volumes" { } "mkdir -p ${toString (map (path: "\"$out\"${path}") variant.volumes)}"
    );
  configOf = import ./config.nix metadata;
  accelerators = import ./accelerators.nix { inherit lib pkgs; };

  # Wheels of more than 20 MB get layers of their own: a new version of one leaves the others where they are.
  largeWheels = [
    "av"
    "ctranslate2"
    "numpy"
    "onnxruntime"
    "onnxruntime-gpu"
    "torch"
    "transformers"
  ];

  codeOf = import ./code.nix {
    inherit
      lib
      pkgs
      matrix
      sources
      ;
  };

  # Each layer leaves out what the layers before it hold.
  layersOf = lib.foldl' (
    earlier: specification:
    earlier
    ++ [
      (buildLayer (
        removeAttrs specification [ "name" ]
        // {
          layers = earlier;
          metadata.created_by = "coldstart: ${specification.name}";
        }
      ))
    ]
  ) [ ];

  specificationsOf =
    variant: packages: environment: manifest: code:
    [
      {
        name = "runtime";
        deps = [ pkgs.python311 ];
        copyToRoot = [ root ];
        perms = [
          {
            path = root;
            regex = "/tmp$";
            mode = "1777";
          }
        ];
      }
    ]
    # A volume that is mounted there for the first time becomes the service's. It is also root's group's, which whoever
    # starts the container as another user is in.
    ++ map (directories: {
      name = "volumes";
      deps = [ ];
      copyToRoot = [ directories ];
      perms = map (path: {
        path = directories;
        regex = "${path}$";
        mode = "0775";
        uid = 1000;
        gid = 0;
      }) variant.volumes;
    }) (directoriesOf variant)
    # NVIDIA's libraries are one layer: they are replaced together, seldom, and by name they would be a dozen.
    ++ lib.optional (variant.accelerator == "cuda") {
      name = "wheels of NVIDIA";
      deps = lib.attrValues (lib.filterAttrs (name: _package: coldstartLib.isOfNvidia name) packages);
    }
    ++ map (wheel: {
      name = "wheel ${wheel}";
      deps = [ packages.${wheel} ];
    }) (lib.filter (wheel: packages ? ${wheel}) largeWheels)
    ++ [
      {
        name = "wheels";
        deps = [ environment ];
      }
    ]
    ++ map (model: {
      name = "model ${model.name}";
      deps = models.artifactsOf model;
    }) variant.models
    ++ [
      {
        name = "code";
        deps = [
          code
          manifest
        ];
      }
    ];
in
variant:
let
  python = pythonOf.${variant.accelerator};
  packages = python.packagesOf variant.extras;
  environment = python.environmentOf {
    inherit (variant) name extras;
  };
  manifest = models.mkManifest variant.models;
  acceptanceLabels = coldstartLib.acceptanceLabelsOf variant.acceptedLicenses;
  code = codeOf { services = variant.codeOf; };
  # What an edit of one line does to an image, so that the bytes it costs can be measured.
  changedCode = codeOf {
    services = variant.codeOf;
    change = "echo 'ONE_LINE_MORE = True' >>server/coldstart/__init__.py";
  };
  acceleratorVariables = accelerators.${variant.accelerator} environment packages;
  healthCheck = coldstartLib.healthCheckOf (coldstartLib.promisesOf slo variant.name);
  imageOf =
    tag: code:
    let
      specifications = specificationsOf variant packages environment manifest code;
      config = configOf {
        inherit
          variant
          acceleratorVariables
          acceptanceLabels
          healthCheck
          environment
          code
          manifest
          ;
      };
    in
    buildImage {
      inherit (variant) name;
      inherit tag config;
      inherit (metadata) created;
      layers = layersOf specifications;
    }
    // {
      inherit config;
      layerNames = map (specification: specification.name) specifications;
      # What the layers should hold, for the image's papers (nix/papers).
      holds = {
        roots = lib.concatMap (specification: specification.deps ++ specification.copyToRoot or [ ]) specifications;
        packages = lib.attrValues packages;
        volumes = directoriesOf variant;
        inherit
          environment
          manifest
          code
          root
          ;
      };
    };
in
imageOf metadata.version code
// {
  codeChanged = imageOf "${metadata.version}-code-changed" changedCode;
}
