# The part of tests.nix that is about strings, shell words and versions.
{
  lib,
  check,
  throws,
}:
{
  split-string = check (lib.splitString "." "a.b..c") [ "a" "b" "" "c" ];
  split-empty-string = check (lib.splitString "/" "") [ "" ];
  has-suffix-longer-than-text = check (lib.hasSuffix "longer" "er") false;
  has-infix-is-literal = check (lib.hasInfix "a.c" "abc") false;
  remove-prefix = check (lib.removePrefix "v" "v1") "1";
  remove-suffix-absent = check (lib.removeSuffix ".py" "a.nix") "a.nix";
  upper = check (lib.toUpper "aZ-1") "AZ-1";
  trim = check (map lib.trim [ "  a b\n" " " "" "x" ]) [ "a b" "" "" "x" ];
  escape-shell-args = check (lib.escapeShellArgs [ "plain" "a b" "it's" "" 3 ]) "plain 'a b' 'it'\\''s' '' 3";
  escape-regex = check (lib.escapeRegex "a.b[c]*(d)$|^") "a\\.b\\[c]\\*\\(d\\)\\$\\|\\^";
  escape-nix-string = check (lib.strings.escapeNixString "a\"\${b}") "\"a\\\"\\\${b}\"";
  to-int = check (lib.toInt " 42 ") 42;
  to-int-refuses = check (throws (lib.toInt "4x")) true;
  fixed-width = check (lib.fixedWidthString 4 "0" "7") "0007";
  hex = check (map lib.toHexString [ 0 10 255 4096 ]) [ "0" "A" "FF" "1000" ];
  concat-imap = check (lib.concatImapStringsSep "," (i: v: "${toString i}${v}") [ "a" "b" ]) "1a,2b";
  lines = check (lib.concatLines [ "a" "b" ]) "a\nb\n";
  intersperse = check (lib.intersperse 0 [ 1 2 3 ]) [ 1 0 2 0 3 ];
  optional-string = check (lib.optionalString false "a") "";
  older = check (lib.versionOlder "1.9" "1.10") true;
  at-least-same = check (lib.versionAtLeast "1.10" "1.10") true;
  major-minor = check (lib.versions.majorMinor "3.11.2") "3.11";
  name-of-string = check (lib.getName "hello-2.1") "hello";
  version-of-package = check (lib.getVersion { name = "hello-2.1"; }) "2.1";
  search-path = check (lib.makeSearchPath "bin" [ "/a" "/b" ]) "/a/bin:/b/bin";
  library-path = check (lib.makeLibraryPath [ { outPath = "/a"; } ]) "/a/lib";
  exe-by-main-program = check (lib.getExe {
    outPath = "/a";
    name = "x-1";
    type = "derivation";
    meta.mainProgram = "y";
  }) "/a/bin/y";
}
