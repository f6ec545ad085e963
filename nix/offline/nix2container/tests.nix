# The tests of ./lib: { count; failures; }, or an error that names the functions without any.
{ lib }:
let
  inherit (import ../../lib { inherit lib; }) testReportOf;
  self = import ./lib;
  fileOf = name: ./lib + "/${name}.tests.nix";
in
testReportOf (
  builtins.mapAttrs (
    name: _function: if builtins.pathExists (fileOf name) then import (fileOf name) { inherit self; } else { }
  ) self
)
