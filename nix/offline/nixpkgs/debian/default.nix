/**
  Debian packages as store trees: the C library, then patchelf, then everything else with its help.

  Type: { system : String, pins : Attrs } -> { mkTree, run, glibc, patchelf, busybox }
*/
{ system, pins }:
let
  inherit (pins) busybox;

  # A derivation that has busybox and nothing else.
  run =
    attributes:
    derivation (
      {
        inherit system;
        builder = "${busybox}/bin/busybox";
      }
      // attributes
    );

  /**
    One tree of the named packages. Its version is the first one's, without Debian's epoch and revision.

    Type: mkTree :: { pname, debs : [String], libs ? [Tree], prepare ? String, finish ? String, … } -> Tree
    Example: mkTree { pname = "zlib"; debs = [ "zlib1g" ]; }
  */
  mkTree =
    {
      pname,
      debs,
      libs ? [ ],
      glibc ? defaultGlibc,
      patchelf ? defaultPatchelf,
      prepare ? "",
      finish ? "",
      path ? [ ],
      passthru ? { },
    }:
    let
      version = upstreamVersionOf pins.debs.${builtins.head debs}.version;
    in
    run {
      name = "${pname}-${version}";
      args = [
        "sh"
        "-eu"
        ./unpack.sh
      ];
      debs = map (name: pins.debs.${name}.file) debs;
      PATH = builtins.concatStringsSep ":" (map (tree: "${tree}/bin") ([ patchelf ] ++ path));
      inherit
        libs
        glibc
        prepare
        finish
        ;
    }
    // {
      inherit pname version;
      meta = { };
      # What the tree is made of, as Debian calls it.
      debianPackages = map (name: {
        inherit name;
        inherit (pins.debs.${name}) version path sha256;
      }) debs;
    }
    // passthru;

  upstreamVersionOf =
    version:
    let
      parts = builtins.match "([0-9]+:)?([^-]*)(-.*)?" version;
    in
    builtins.replaceStrings [ "~" ] [ "-" ] (builtins.elemAt parts 1);

  renameInBinary = "sh ${./rename-in-binary.sh}";

  defaultGlibc = mkTree {
    pname = "glibc";
    debs = [ "libc6" ];
    glibc = "";
    patchelf = busybox;
    # Conversions beyond the built-in ones (UTF-8, UCS, ASCII) are 8 MB that nothing here asks for.
    prepare = ''rm -rf "$out/lib/gconv"'';
    # A program from the store must never pick up a library of the machine it runs on: the loader's cache, its preload
    # list and its default directories are renamed, and the C library's directory of conversions.
    finish = ''
      ${renameInBinary} "$out/lib/ld-linux-x86-64.so.2" /usr/lib/ /-no/nix/
      ${renameInBinary} "$out/lib/ld-linux-x86-64.so.2" /lib/ /-no/
      ${renameInBinary} "$out/lib/ld-linux-x86-64.so.2" /etc/ld.so. /-no/ld.so.
      ${renameInBinary} "$out/lib/libc.so.6" /usr/lib/x86_64-linux-gnu/gconv /-no/lib/x86_64-linux-gnu/gconv
    '';
  };

  # patchelf cannot patch itself before it runs: the loader starts a copy, with copies of its libraries, by hand.
  defaultPatchelf = mkTree {
    pname = "patchelf";
    debs = [
      "patchelf"
      "libgcc-s1"
      "libstdc++6"
      "gcc-12-base"
    ];
    patchelf = busybox;
    prepare = ''
      cp -r "$out" unpatched
      patchelf() {
        "$glibc/lib/ld-linux-x86-64.so.2" --library-path "$glibc/lib:unpatched/lib" unpatched/bin/patchelf "$@"
      }
    '';
  };
in
{
  inherit mkTree run busybox;
  glibc = defaultGlibc;
  patchelf = defaultPatchelf;
}
