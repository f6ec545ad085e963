{ self, ... }:
let
  tokens = marker: expected: {
    expr = self.markerTokensOf marker;
    inherit expected;
  };
in
{
  "a comparison is three tokens" = tokens "sys_platform == \"win32\"" [
    "sys_platform"
    "=="
    "\"win32\""
  ];
  "spaces may be missing" = tokens "python_version<'3.12'" [
    "python_version"
    "<"
    "'3.12'"
  ];
  "parentheses are tokens by themselves" = tokens "((extra>=\"a\"))" [
    "("
    "("
    "extra"
    ">="
    "\"a\""
    ")"
    ")"
  ];
  "words inside a string are no tokens" = tokens "os_name == \"a and (b\"" [
    "os_name"
    "=="
    "\"a and (b\""
  ];
  "not in is two words" = tokens "'x' not in os_name" [
    "'x'"
    "not"
    "in"
    "os_name"
  ];
  "an empty marker has none" = tokens " " [ ];
  "what is no token is refused" = {
    expr = (builtins.tryEval (builtins.length (self.markerTokensOf "os_name == 3"))).success;
    expected = false;
  };
}
