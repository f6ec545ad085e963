# The files outside the Nix store that every image holds: accounts, name resolution, CA certificates.
{ pkgs }:
pkgs.runCommand "image-root" { } ''
  mkdir -p "$out/etc/ssl/certs" "$out/tmp"
  echo 'root:x:0:0:root:/nonexistent:/nonexistent
  coldstart:x:1000:1000:Coldstart:/tmp:/nonexistent' | sed 's/^ *//' >"$out/etc/passwd"
  echo 'root:x:0:
  coldstart:x:1000:' | sed 's/^ *//' >"$out/etc/group"
  echo 'hosts: files dns' >"$out/etc/nsswitch.conf"
  cp ${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt "$out/etc/ssl/certs/ca-certificates.crt"
''
