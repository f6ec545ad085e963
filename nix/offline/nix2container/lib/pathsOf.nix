/**
  Store paths as text, out of nothing (null), of one path or derivation, or of a list of them.

  # Type

  ```
  pathsOf :: Null | Path | Derivation | [Path | Derivation] -> [String]
  ```

  # Example

  ```nix
  pathsOf pkgs.hello
  => [ "/nix/store/…-hello" ]
  ```
*/
value:
map (path: "${path}") (
  if value == null then
    [ ]
  else if builtins.isList value then
    value
  else
    [ value ]
)
