# Versions by their parts.
let
  partOf = index: version: builtins.elemAt (builtins.splitVersion version) index;
  major = partOf 0;
  minor = partOf 1;
in
{
  inherit major minor;
  majorMinor = version: "${major version}.${minor version}";
}
