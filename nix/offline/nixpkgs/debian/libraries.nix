# The shared libraries that Python's standard library, bash and coreutils load. Names are nixpkgs' own.
{ mkTree, glibc }:
let
  trees = {
    gccLibs = mkTree {
      pname = "gcc-libs";
      debs = [
        "libgcc-s1"
        "libstdc++6"
        "gcc-12-base"
      ];
    };
    zlib = mkTree {
      pname = "zlib";
      debs = [ "zlib1g" ];
    };
    expat = mkTree {
      pname = "expat";
      debs = [ "libexpat1" ];
    };
    openssl = mkTree {
      pname = "openssl";
      debs = [ "libssl3" ];
    };
    libffi = mkTree {
      pname = "libffi";
      debs = [ "libffi8" ];
    };
    bzip2 = mkTree {
      pname = "bzip2";
      debs = [ "libbz2-1.0" ];
    };
    xz = mkTree {
      pname = "xz";
      debs = [ "liblzma5" ];
    };
    sqlite = mkTree {
      pname = "sqlite";
      debs = [ "libsqlite3-0" ];
    };
    libuuid = mkTree {
      pname = "libuuid";
      debs = [ "libuuid1" ];
    };
    libxcrypt = mkTree {
      pname = "libxcrypt";
      debs = [ "libcrypt1" ];
    };
    ncurses = mkTree {
      pname = "ncurses";
      debs = [
        "libtinfo6"
        "libncursesw6"
      ];
    };
    readline = mkTree {
      pname = "readline";
      debs = [ "libreadline8" ];
      libs = [ trees.ncurses ];
    };
    attr = mkTree {
      pname = "attr";
      debs = [ "libattr1" ];
    };
    acl = mkTree {
      pname = "acl";
      debs = [ "libacl1" ];
      libs = [ trees.attr ];
    };
    gmp = mkTree {
      pname = "gmp";
      debs = [ "libgmp10" ];
    };
    pcre2 = mkTree {
      pname = "pcre2";
      debs = [ "libpcre2-8-0" ];
    };
    libselinux = mkTree {
      pname = "libselinux";
      debs = [ "libselinux1" ];
      libs = [ trees.pcre2 ];
    };
  };
in
trees // { inherit glibc; }
