# shellcheck shell=dash disable=SC2154
# $debs → $out/{bin,lib,share}, runnable from the store. Runs on busybox alone (its sh, its dpkg-deb).
#
# debs     packages to unpack into one tree
# libs     store trees whose lib/ the programs and libraries of this one need at run time
# glibc    store tree of the C library; empty while that one itself is made
# prepare  shell code that runs on the tree before anything in it is patched
# finish   shell code that runs at the end
multiarch=x86_64-linux-gnu
mkdir root "$out"
for deb in $debs; do
  dpkg-deb -x "$deb" root
done

# Debian's two roots become one prefix.
move() {
  [ -d "root/$1" ] || return 0
  mkdir -p "$out/$2"
  find "root/$1" -mindepth 1 -maxdepth 1 -exec mv {} "$out/$2/" \;
}
for from in bin sbin usr/bin usr/sbin; do move "$from" bin; done
for from in "lib/$multiarch" "usr/lib/$multiarch"; do move "$from" lib; done
rm -rf "root/usr/lib/$multiarch"
move usr/lib lib
move usr/share/ca-certificates share/ca-certificates

# Of the documentation only the licences stay.
for notice in root/usr/share/doc/*/copyright; do
  package=$(dirname "$notice")
  [ -e "$notice" ] && [ ! -L "$package" ] || continue
  mkdir -p "$out/share/doc/$(basename "$package")"
  cp "$notice" "$out/share/doc/$(basename "$package")/"
done

eval "$prepare"
# Links into /etc and the like lead nowhere from here.
find "$out" -type l ! -exec test -e {} \; -exec rm {} \;

is_elf() { [ "$(head -c 4 "$1" | tail -c 3)" = ELF ]; }

# DT_RPATH, not DT_RUNPATH: it also serves the libraries that a library loads in turn, such as a wheel's without paths.
patch_elf() {
  ! interpreter=$(patchelf --print-interpreter "$1" 2>/dev/null) || [ -z "$interpreter" ] ||
    patchelf --set-interpreter "$glibc/lib/ld-linux-x86-64.so.2" "$1"
  patchelf --force-rpath --set-rpath "$rpath" "$1"
}

if [ -n "$glibc" ]; then
  rpath=
  for tree in "$out" $libs "$glibc"; do
    [ ! -d "$tree/lib" ] || rpath=${rpath:+$rpath:}$tree/lib
  done
  for file in "$out"/bin/* "$out"/lib/*.so*; do
    if [ -f "$file" ] && [ ! -L "$file" ] && is_elf "$file"; then patch_elf "$file"; fi
  done
fi
eval "$finish"
