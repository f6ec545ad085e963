# Images: a row of nix/variants.nix as layers, from the one that never changes to the one that always does.
{
  lib,
  pkgs,
  coldstartLib,
  nix2container,
  python,
  models,
  metadata,
  slo,
  sources,
}:
let
  inherit (nix2container) buildImage buildLayer;

  root = import ./root.nix { inherit pkgs; };
  configOf = import ./config.nix metadata;

  # Wheels of more than 20 MB get layers of their own: a new version of one leaves the others where they are.
  largeWheels = [
    "av"
    "ctranslate2"
    "numpy"
    "onnxruntime"
    "torch"
    "transformers"
  ];

  codeOf = import ./code.nix { inherit lib pkgs sources; };

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
    variant: environment: manifest: code:
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
    ++ map (wheel: {
      name = "wheel ${wheel}";
      deps = [ python.packages.${wheel} ];
    }) (lib.filter (wheel: lib.elem wheel (python.namesOf variant.extras)) largeWheels)
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
  environment = python.environmentOf {
    inherit (variant) name extras;
  };
  manifest = models.mkManifest variant.models;
  acceptanceLabels = coldstartLib.acceptanceLabelsOf variant.acceptedLicenses;
  code = codeOf { inherit (variant) services; };
  # What an edit of one line does to an image, so that the bytes it costs can be measured.
  changedCode = codeOf {
    inherit (variant) services;
    change = "echo 'ONE_LINE_MORE = True' >>server/coldstart/__init__.py";
  };
  healthCheck = coldstartLib.healthCheckOf (coldstartLib.promisesOf slo variant.name);
  imageOf =
    tag: code:
    let
      specifications = specificationsOf variant environment manifest code;
      config = configOf {
        inherit
          variant
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
        packages = map (name: python.packages.${name}) (python.namesOf variant.extras);
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
