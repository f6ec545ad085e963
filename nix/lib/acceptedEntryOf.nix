{ lib, self, ... }:
/**
  A catalogue entry, if its license may be used, with `acceptedLicenses`: those of its licenses that somebody had to
  accept. Each license must be open or accepted; one that is neither throws, and the message says where to accept it.
  So a license that nobody has looked at is refused as well. One that is `refused` throws, accepted or not. `open` and
  `refused` are patterns (isLicenseAmong).

  # Type

  ```
  acceptedEntryOf ::
    { open :: [String]; refused :: [String]; accepted :: [String]; } -> String -> AttrSet -> AttrSet
  ```

  # Example

  ```nix
  acceptedEntryOf { open = [ "MIT" ]; refused = [ "CC-BY-NC-*" ]; accepted = [ "coqui-cpml" ]; } "xtts" {
    license = "coqui-cpml";
  }
  => { license = "coqui-cpml"; acceptedLicenses = [ "coqui-cpml" ]; }
  ```
*/
{
  open,
  refused,
  accepted,
}:
name: entry:
let
  licenses = self.licensesOf entry.license;
  never = builtins.filter (self.isLicenseAmong refused) licenses;
  restricted = builtins.filter (license: !self.isLicenseAmong open license) licenses;
  missing = lib.subtractLists accepted restricted;
  license = builtins.head missing;
in
if never != [ ] then
  throw "model ${name} has the license ${builtins.head never}, which licenses.toml refuses (refused: ${toString refused}): take another model, or change what is refused"
else if missing == [ ] then
  entry // { acceptedLicenses = restricted; }
else
  throw ''
    model ${name} has the license ${license}, which must be accepted by name: read it, then add "${license}" to acceptedLicenses in flake.nix (accepted now: ${
      if accepted == [ ] then "none" else toString accepted
    })''
