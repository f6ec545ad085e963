_:
/**
  The labels by which an image tells which licenses were accepted for it; none where nothing had to be.

  # Type

  ```
  acceptanceLabelsOf :: [String] -> { label = String; }
  ```

  # Example

  ```nix
  acceptanceLabelsOf [ "coqui-cpml" ]
  => { "coldstart.accepted-licenses" = "coqui-cpml"; }
  ```
*/
licenses:
if licenses == [ ] then
  { }
else
  {
    "coldstart.accepted-licenses" = builtins.concatStringsSep " " licenses;
  }
