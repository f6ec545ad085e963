/**
  fetchurl { url | urls, hash | sha256, name ? … }: a file by its hash. A fixed output has the same store path as with
  the genuine fetchurl; one that the fetch step has put there is never downloaded again.
*/
{ lib }:
{
  url ? "",
  urls ? [ ],
  name ? "",
  hash ? "",
  sha256 ? "",
  meta ? { },
  passthru ? { },
}:
let
  addresses = if urls != [ ] then urls else lib.optional (url != "") url;
  given = if hash != "" then hash else sha256;
in
assert lib.assertMsg (addresses != [ ] && (url == "" || urls == [ ])) "fetchurl wants either `url` or `urls`";
assert lib.assertMsg ((hash == "") != (sha256 == "")) "fetchurl wants either `hash` or `sha256`";
derivation {
  name = if name != "" then name else baseNameOf (builtins.head addresses);
  system = "builtin";
  builder = "builtin:fetchurl";
  url = builtins.head addresses;
  executable = false;
  unpack = false;
  # An SRI hash carries its algorithm.
  outputHashAlgo = if hash != "" then null else "sha256";
  outputHashMode = "flat";
  outputHash = given;
  preferLocalBuild = true;
}
// {
  inherit meta passthru;
  urls = addresses;
}
// passthru
