_:
/**
  The engine by which a service of the build matrix (nix/variants.nix) runs models of this task and architecture; null
  where no service does.

  # Type

  ```
  engineOf :: Matrix -> { task :: String; architecture :: String; } -> String | Null
  ```

  # Example

  ```nix
  engineOf (import ../variants.nix) { task = "next-token"; architecture = "gpt2"; }
  => "onnxruntime"
  ```
*/
matrix:
{ task, architecture, ... }:
let
  engines = builtins.concatMap (
    service: if service ? tasks.${task}.${architecture} then [ service.tasks.${task}.${architecture} ] else [ ]
  ) (builtins.attrValues matrix.services);
in
if engines == [ ] then null else builtins.head engines
