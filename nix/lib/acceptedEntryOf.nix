_:
/**
  A catalogue entry, if its license may be used. An entry with `mustAccept = true` throws unless its license is among
  the accepted ones; the message says where to accept it.

  # Type

  ```
  acceptedEntryOf :: [String] -> String -> AttrSet -> AttrSet
  ```

  # Example

  ```nix
  acceptedEntryOf [ "CPML" ] "xtts" { license = "CPML"; mustAccept = true; }
  => { license = "CPML"; mustAccept = true; }
  ```
*/
accepted: name: entry:
if !(entry.mustAccept or false) || builtins.elem entry.license accepted then
  entry
else
  throw ''
    model ${name} has the license ${entry.license}, which must be accepted by name: read it, then add "${entry.license}" to acceptedLicenses in flake.nix (accepted now: ${
      if accepted == [ ] then "none" else toString accepted
    })''
