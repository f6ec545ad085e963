{ lib, self, ... }:
/**
  The build matrix (nix/variants.nix) as variants, keyed by the name of their package: for each row, what an image of
  these services and models holds and how it is started.

  Throws when two rows have one name, and when a service has no model in the row's model set.

  # Type

  ```
  variantsOf :: Matrix -> { model = Entry; } -> { package = {
    name :: String;          # of the image
    mode :: String;          # SERVICE_MODE
    port :: Int;
    extras :: [String];      # of pyproject.toml
    engines :: [String];
    names :: [String];       # models
    licenses :: String;      # SPDX expression of the code and the models
    accelerator :: String;
  }; }
  ```

  # Example

  ```nix
  (variantsOf (import ../variants.nix) entries).image-wheel
  => { name = "coldstart-wheel"; mode = "wheel"; engines = [ "onnxruntime" ]; ... }
  ```
*/
matrix: entries:
let
  variantOf =
    row:
    let
      holdsAll = row.services == "all";
      serviceNames = if holdsAll then builtins.attrNames matrix.services else row.services;
      services = map (name: matrix.services.${name}) serviceNames;
      # The reference engine comes with all services only: it is what makes the small images large.
      parts = services ++ lib.optionals holdsAll [ matrix.reference ];

      modelsFor =
        service:
        let
          found = builtins.filter (name: entries.${name}.task == service.task) matrix.modelSets.${row.models};
        in
        if found == [ ] then throw "model set ${row.models} has no model for the task ${service.task}" else found;
      names = lib.unique (lib.concatMap modelsFor services);
    in
    {
      name = "coldstart" + lib.removePrefix "image" (self.variantNameOf row);
      mode = if holdsAll then "all" else lib.concatStringsSep "," serviceNames;
      inherit (builtins.head services) port;
      extras = lib.unique (lib.concatMap (part: part.extras) parts);
      engines = lib.unique (map (part: part.engine) parts);
      inherit names;
      licenses = lib.concatStringsSep " AND " (lib.unique ([ "MIT" ] ++ map (name: entries.${name}.license) names));
      inherit (row) accelerator;
    };

  named = map (row: lib.nameValuePair (self.variantNameOf row) (variantOf row)) matrix.rows;
  duplicates = self.duplicateNamesOf named;
in
if duplicates != [ ] then
  throw "variants: two rows have one name: ${toString duplicates}"
else
  builtins.listToAttrs named
