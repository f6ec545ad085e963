# SPDX identifiers by nixpkgs' names.
{
  asl20.spdxId = "Apache-2.0";
  mit.spdxId = "MIT";
}
