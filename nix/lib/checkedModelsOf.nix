{ lib, ... }:
/**
  Names of catalogue entries, if an image can hold them side by side: those that clients call by one name (`served_as`,
  or else the entry's own name) are revisions of one model, each another one, for one task. Throws otherwise; the
  message names the entries and what was met.

  # Type

  ```
  checkedModelsOf :: { model = Entry; } -> [String] -> [String]
  ```

  # Example

  ```nix
  checkedModelsOf { gpt2 = { revision = "607a30d"; … }; gpt2-next = { served_as = "gpt2"; revision = "6c0e608"; … }; } [
    "gpt2"
    "gpt2-next"
  ]
  => [ "gpt2" "gpt2-next" ]
  ```
*/
entries: names:
let
  models = builtins.groupBy (name: entries.${name}.served_as or name) names;
  shared = lib.filterAttrs (_served: entryNames: builtins.length entryNames > 1) models;

  valuesOf = field: entryNames: lib.unique (map (name: entries.${name}.${field}) entryNames);
  areRevisions =
    entryNames:
    builtins.length (valuesOf "revision" entryNames) == builtins.length entryNames
    && builtins.length (valuesOf "task" entryNames) == 1;

  wrong = builtins.filter (served: !areRevisions shared.${served}) (builtins.attrNames shared);
  sentenceOf =
    served:
    "${lib.concatStringsSep " and " shared.${served}} are served as ${served}, at ${lib.concatStringsSep ", " (valuesOf "revision" shared.${served})} for ${lib.concatStringsSep ", " (valuesOf "task" shared.${served})}; they must have one task, and each another revision";
in
if wrong == [ ] then names else throw "models: ${lib.concatMapStringsSep "; " sentenceOf wrong}"
