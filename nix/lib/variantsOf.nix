{ lib, self, ... }:
/**
  The build matrix (nix/variants.nix) as variants, keyed by the name of their package: for each row, what an image of
  these services and models holds and how it is started.

  "all" services are those that have all their models in the row's set, as SERVICE_MODE=all means it. One that keeps
  something (volumes) is no part of it: it has rows of its own.

  A service may be built on others (builtOn): it takes their models, engines, extras and code.

  Throws when two rows have one name, when a service that a row names has no model in the row's set, when a model's
  architecture has no engine, when models cannot lie side by side (checkedModelsOf), and when there is no such
  accelerator.

  # Type

  ```
  variantsOf :: Matrix -> { model = Entry; } -> { package = {
    name :: String;                # of the image
    services :: [String];
    codeOf :: [String];            # services whose code it holds
    mode :: String;                # SERVICE_MODE that offers all of them
    port :: Int;                   # where it listens in that mode
    ports :: [Int];                # where it listens in any mode
    environment :: AttrSet;        # variables that choose that mode; none where the image sets it
    extras :: [String];            # of pyproject.toml
    models :: [{ name :: String; engines :: [String]; }];
    licenses :: String;            # SPDX expression of the code and the models
    acceptedLicenses :: [String];  # those of the models' licenses that somebody had to accept
    accelerator :: String;
    volumes :: [String];           # directories for what is kept
  }; }
  ```

  # Example

  ```nix
  (variantsOf (import ../variants.nix) entries).image-wheel
  => { name = "coldstart-wheel"; mode = "wheel"; models = [ { name = "starter-gpt2"; engines = [ "onnxruntime" ]; } ]; ... }
  ```
*/
matrix: entries:
let
  variantOf =
    row:
    let
      set = matrix.modelSets.${row.models};
      modelsOf = task: builtins.filter (name: entries.${name}.task == task) set;
      # A service, and those that it is built on.
      partsOf = name: [ name ] ++ matrix.services.${name}.builtOn or [ ];
      tasksOf = lib.concatMap (name: builtins.attrNames (matrix.services.${name}.tasks or { }));
      lackingOf = name: builtins.filter (task: modelsOf task == [ ]) (tasksOf (partsOf name));
      isWhole = name: lackingOf name == [ ];
      volumesOf = name: matrix.services.${name}.volumes or [ ];
      wholeOrThrow =
        name:
        if isWhole name then
          name
        else
          throw "model set ${row.models} has no model for the task ${toString (lackingOf name)}";

      holdsAll = row.services == "all";
      serviceNames =
        if holdsAll then
          builtins.filter (name: isWhole name && volumesOf name == [ ]) (builtins.attrNames matrix.services)
        else
          map wholeOrThrow row.services;
      services = map (name: matrix.services.${name}) serviceNames;
      codeOf = lib.unique (lib.concatMap partsOf serviceNames);
      accelerated =
        matrix.accelerators.${row.accelerator}
          or (throw "accelerator ${row.accelerator}: expected one of ${toString (builtins.attrNames matrix.accelerators)}");
      additions = map (name: accelerated.${name}) (builtins.filter (name: accelerated ? ${name}) codeOf);
      # The reference engine comes with all services only: it is what makes the small images large.
      parts = map (name: matrix.services.${name}) codeOf ++ additions ++ lib.optionals holdsAll [ matrix.reference ];

      engineOf =
        name: part:
        let
          inherit (entries.${name}) task architecture;
        in
        lib.optional ((part.tasks or { }) ? ${task}) (
          part.tasks.${task}.${architecture}
            or (throw "model ${name}: the task ${task} has no engine for the architecture ${architecture}")
        );
      names = self.checkedModelsOf entries (lib.unique (lib.concatMap modelsOf (tasksOf codeOf)));

      # An image of all services leaves the choice to whoever starts it, even where its models are of one only.
      isSingle = !holdsAll && builtins.length serviceNames == 1;
      mode = if isSingle then builtins.head serviceNames else "all";
      allPorts = lib.optional (!isSingle) matrix.allPort ++ map (service: service.port) services;
    in
    {
      name = "coldstart" + lib.removePrefix "image" (self.variantNameOf row);
      services = serviceNames;
      inherit codeOf mode;
      port = builtins.head allPorts;
      ports = lib.unique allPorts;
      environment = lib.optionalAttrs (!isSingle) { SERVICE_MODE = mode; };
      extras = lib.unique (lib.concatMap (part: part.extras) parts);
      models = map (name: {
        inherit name;
        engines = lib.unique (lib.concatMap (engineOf name) parts);
      }) names;
      licenses = lib.concatStringsSep " AND " (
        lib.unique ([ "MIT" ] ++ lib.concatMap (name: self.licensesOf entries.${name}.license) names)
      );
      acceptedLicenses = lib.unique (lib.concatMap (name: entries.${name}.acceptedLicenses) names);
      inherit (row) accelerator;
      volumes = lib.concatMap volumesOf serviceNames;
    };

  named = map (row: lib.nameValuePair (self.variantNameOf row) (variantOf row)) matrix.rows;
  duplicates = self.duplicateNamesOf named;
in
if duplicates != [ ] then
  throw "variants: two rows have one name: ${toString duplicates}"
else
  builtins.listToAttrs named
