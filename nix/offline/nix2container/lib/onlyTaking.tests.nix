{ self }:
let
  attempt = given: builtins.tryEval (self.onlyTaking "f" { a = 1; } given);
in
{
  "the wanted value is taken" = {
    expr = attempt { a = 1; };
    expected = {
      success = true;
      value = true;
    };
  };
  "another value is an error" = {
    expr = (attempt { a = 2; }).success;
    expected = false;
  };
  "what nobody asked about is left alone" = {
    expr = (attempt { a = 1; b = 2; }).success;
    expected = true;
  };
}
