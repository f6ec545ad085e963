# The tests of every function of this directory: { count; failures; }, or an error that names the functions without any.
{ lib }:
let
  self = import ./. { inherit lib; };
  fileOf = name: ./. + "/${name}.tests.nix";
in
self.testReportOf (
  lib.mapAttrs (
    name: _function: if builtins.pathExists (fileOf name) then import (fileOf name) { inherit lib self; } else { }
  ) self
)
