{ lib, self, ... }:
/**
  A catalogue entry, if its license may be used, with `acceptedLicenses`: those of its licenses that somebody had to
  accept. Each license must be open or accepted; one that is neither throws, and the message says where to accept it.
  So a license that nobody has looked at is refused as well.

  # Type

  ```
  acceptedEntryOf :: { open :: [String]; accepted :: [String]; } -> String -> AttrSet -> AttrSet
  ```

  # Example

  ```nix
  acceptedEntryOf { open = [ "MIT" ]; accepted = [ "coqui-cpml" ]; } "xtts" { license = "coqui-cpml"; }
  => { license = "coqui-cpml"; acceptedLicenses = [ "coqui-cpml" ]; }
  ```
*/
{ open, accepted }:
name: entry:
let
  restricted = lib.subtractLists open (self.licensesOf entry.license);
  missing = lib.subtractLists accepted restricted;
  license = builtins.head missing;
in
if missing == [ ] then
  entry // { acceptedLicenses = restricted; }
else
  throw ''
    model ${name} has the license ${license}, which must be accepted by name: read it, then add "${license}" to acceptedLicenses in flake.nix (accepted now: ${
      if accepted == [ ] then "none" else toString accepted
    })''
