# The programs that builders and apps call. Names are nixpkgs' own, but for busybox's share.
{
  mkTree,
  run,
  busybox,
  libraries,
}:
let
  # What the genuine stdenv has beside coreutils, as far as busybox has it.
  applets = [
    "ar"
    "awk"
    "bunzip2"
    "bzip2"
    "cmp"
    "cpio"
    "diff"
    "find"
    "grep"
    "egrep"
    "fgrep"
    "gunzip"
    "gzip"
    "patch"
    "ps"
    "sed"
    "tar"
    "unxz"
    "unzip"
    "which"
    "xargs"
    "xz"
  ];
in
{
  bash = mkTree {
    pname = "bash";
    debs = [ "bash" ];
    libs = [ libraries.ncurses ];
    prepare = ''
      rm -f "$out/bin/bashbug" "$out/bin/clear_console"
      ln -s bash "$out/bin/sh"
    '';
    passthru.shellPath = "/bin/bash";
  };

  coreutils = mkTree {
    pname = "coreutils";
    debs = [ "coreutils" ];
    libs = [
      libraries.acl
      libraries.attr
      libraries.gmp
      libraries.libselinux
      libraries.pcre2
    ];
  };

  tools = run {
    name = "busybox-tools";
    args = [
      "sh"
      "-euc"
      ''
        mkdir -p "$out/bin"
        for applet in $applets; do ln -s ${busybox}/bin/busybox "$out/bin/$applet"; done
      ''
    ];
    inherit applets;
  };

  cacert = mkTree {
    pname = "cacert";
    debs = [ "ca-certificates" ];
    prepare = ''
      mkdir -p "$out/etc/ssl/certs"
      cat "$out"/share/ca-certificates/mozilla/*.crt >"$out/etc/ssl/certs/ca-bundle.crt"
      rm -rf "$out/bin" "$out/share/ca-certificates"
    '';
  };
}
