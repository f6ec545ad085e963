# What the stand-in knows about Python packaging, as pure functions: one a file, with its tests beside it, under the
# same guard as nix/lib.
{ lib }:
let
  names = [
    "bestWheelOf"
    "compareReleases"
    "lockedNamesOf"
    "markerHolds"
    "markerTokensOf"
    "markerTreeOf"
    "wheelRankOf"
  ];

  self = lib.genAttrs names (name: import (./. + "/${name}.nix") { inherit lib self; });
in
self
