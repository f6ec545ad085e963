# Pure functions: values in, values out. No derivations, no packages, no files but these.
#
# One function a file, named like the function, with its tests beside it (NAME.tests.nix). A function without a test
# fails the tests (./tests.nix).
{ lib }:
let
  names = [
    "acceptanceLabelsOf"
    "acceptedEntryOf"
    "checkedEntryOf"
    "checkedModelsOf"
    "duplicateNamesOf"
    "engineOf"
    "healthCheckOf"
    "isLicenseAmong"
    "isOfNvidia"
    "isUsableFile"
    "licensesOf"
    "modelComponentOf"
    "promisesOf"
    "strangersOf"
    "systemComponentsOf"
    "testReportOf"
    "timestampOf"
    "variantNameOf"
    "variantsOf"
  ];

  self = lib.genAttrs names (name: import (./. + "/${name}.nix") { inherit lib self; });
in
self
