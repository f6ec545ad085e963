{ lib, ... }:
/**
  What each service of an image promises: the service's own promises with the image's laid over them, as slo.toml has
  them.

  Throws when the file has no such image.

  # Type

  ```
  promisesOf :: Slo -> String -> [ Promises ]
  ```

  # Example

  ```nix
  promisesOf (fromTOML (readFile ../../slo.toml)) "coldstart-wheel"
  => [ { ready_s = 2.0; grace_s = 30; ... } ]
  ```
*/
slo: name:
let
  image =
    slo.image.${name}
      or (throw "slo.toml has no [image.${name}]; its images are: ${toString (builtins.attrNames slo.image)}");
  ofService =
    service: over: (slo.service.${service}.promises or { }) // (over.promises or { });
in
lib.mapAttrsToList ofService image.services
