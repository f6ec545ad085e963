_:
/**
  The tokens of a PEP 508 environment marker, in order. A string constant keeps its quotes, so that it differs from a
  name.

  # Type

  ```
  markerTokensOf :: String -> [String]
  ```

  # Example

  ```nix
  markerTokensOf "extra==\"wheel\" and (os_name != 'nt')"
  => [ "extra" "==" "\"wheel\"" "and" "(" "os_name" "!=" "'nt'" ")" ]
  ```
*/
marker:
let
  # Between the matches, which are lists, split leaves what matched nothing: that must be white space.
  pieces = builtins.split "([()]|[<>=!~]+|\"[^\"]*\"|'[^']*'|[A-Za-z_][A-Za-z0-9_]*)" marker;

  tokenOf =
    piece:
    if builtins.isList piece then
      piece
    else if builtins.match "[[:space:]]*" piece != null then
      [ ]
    else
      throw "marker ${marker}: ${builtins.toJSON piece} is neither a name, a string, an operator nor a parenthesis";
in
builtins.concatMap tokenOf pieces
