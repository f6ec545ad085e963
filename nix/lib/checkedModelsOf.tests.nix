{ self, ... }:
let
  entries = {
    gpt2 = {
      revision = "607a30d";
      task = "next-token";
    };
    gpt2-next = {
      served_as = "gpt2";
      revision = "6c0e608";
      task = "next-token";
    };
    gpt2-again = {
      served_as = "gpt2";
      revision = "607a30d";
      task = "next-token";
    };
    gpt2-spoken = {
      served_as = "gpt2";
      revision = "11c5a3d";
      task = "text-to-speech";
    };
  };
  taken = names: {
    expr = self.checkedModelsOf entries names;
    expected = names;
  };
  refused = names: {
    expr = (builtins.tryEval (builtins.deepSeq (self.checkedModelsOf entries names) true)).success;
    expected = false;
  };
in
{
  "one entry is taken" = taken [ "gpt2-next" ];
  "revisions of one model are taken, in their order" = taken [
    "gpt2-next"
    "gpt2"
  ];
  "one revision under two names of entries is refused" = refused [
    "gpt2"
    "gpt2-again"
  ];
  "one name for two tasks is refused" = refused [
    "gpt2"
    "gpt2-spoken"
  ];
}
