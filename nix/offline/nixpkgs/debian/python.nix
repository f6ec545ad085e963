# CPython of Debian, from the store.
{
  mkTree,
  libraries,
}:
let
  pythonVersion = "3.11";
  sitePackages = "lib/python${pythonVersion}/site-packages";

  libs = [
    libraries.gccLibs
    libraries.zlib
    libraries.expat
    libraries.openssl
    libraries.libffi
    libraries.bzip2
    libraries.xz
    libraries.sqlite
    libraries.libuuid
    libraries.libxcrypt
    libraries.ncurses
    libraries.readline
  ];

  python = mkTree {
    pname = "python3";
    debs = [
      "python3.11-minimal"
      "libpython3.11-minimal"
      "libpython3.11-stdlib"
    ];
    inherit libs;

    # NIS and Berkeley DB would bring six more libraries; the test modules serve CPython's own tests.
    # sitecustomize is a link to /etc, EXTERNALLY-MANAGED speaks about the machine's Python, not this one.
    prepare = ''
      standard=$out/lib/python${pythonVersion}
      rm -rf "$standard"/sitecustomize.py "$standard"/EXTERNALLY-MANAGED "$standard"/lib-dynload/nis.*.so \
        "$standard"/lib-dynload/_dbm.*.so "$standard"/lib-dynload/*test*.so "$standard"/lib-dynload/xx*.so \
        "$out/lib/binfmt.d" "$standard/test"
      ln -s python${pythonVersion} "$out/bin/python3"
      ln -s python${pythonVersion} "$out/bin/python"
    '';

    # Wheels with a RUNPATH of their own do not look where the executable's RPATH says, but what is loaded already serves
    # them too. One library a call: patchelf 0.14.3 spoils the file when changes share one.
    # -f and -B: without them the bytecode depends on what was compiled before (references are counted at run time).
    finish = ''
      for library in libutil.so.1 librt.so.1 libpthread.so.0 libdl.so.2 libgcc_s.so.1 libstdc++.so.6; do
        patchelf --add-needed "$library" "$out/bin/python${pythonVersion}"
      done
      "$out/bin/python${pythonVersion}" -B -m compileall -q -f --invalidation-mode unchecked-hash "$standard"
    '';

    passthru = {
      inherit pythonVersion sitePackages;
      interpreter = "${python}/bin/python${pythonVersion}";
      executable = "python${pythonVersion}";
      libPrefix = "python${pythonVersion}";
      implementation = "cpython";
      sourceVersion = {
        major = "3";
        minor = "11";
      };
      isPy3 = true;
      isPy311 = true;
    };
  };
in
python
