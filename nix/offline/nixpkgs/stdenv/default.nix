/**
  stdenv without a compiler: mkDerivation over bash, coreutils and busybox.

  Differs from nixpkgs' where the project does not look: no multiple outputs, no patching, no fixup of what was built.
*/
{
  lib,
  system,
  run,
  bash,
  coreutils,
  tools,
  gccLibs,
}:
let
  stdenvTree = run {
    name = "stdenv";
    args = [
      "sh"
      "-euc"
      ''
        mkdir "$out"
        { echo "initialPath='$initialPath'"; cat ${./setup}; } >"$out/setup"
      ''
    ];
    initialPath = [
      coreutils
      tools
      bash
    ];
  };

  # Arguments that describe the derivation and do not reach the builder.
  described = [
    "env"
    "meta"
    "passthru"
  ];

  mkDerivation =
    attributes:
    derivation (
      {
        inherit system;
        name = "${attributes.pname}-${attributes.version}";
        builder = "${bash}/bin/bash";
        args = [
          "-e"
          ./builder.sh
        ];
        stdenv = stdenvTree;
        # `nix develop` reads it.
        outputs = [ "out" ];
      }
      // removeAttrs attributes described
      // attributes.env or { }
    )
    // {
      meta = attributes.meta or { };
      passthru = attributes.passthru or { };
      overrideAttrs = change: mkDerivation (attributes // lib.toFunction change attributes);
    }
    // builtins.intersectAttrs { pname = null; version = null; } attributes
    // attributes.passthru or { };

  platform = {
    inherit system;
    config = "x86_64-unknown-linux-gnu";
    isLinux = true;
    isDarwin = false;
    isx86_64 = true;
    uname.processor = "x86_64";
    isAarch64 = false;
  };
in
stdenvTree
// {
  inherit mkDerivation;
  shell = "${bash}/bin/bash";
  shellDryRun = "${bash}/bin/bash -n -O extglob";
  cc.cc.lib = gccLibs;
  hostPlatform = platform;
  buildPlatform = platform;
  targetPlatform = platform;
}
