{ self, ... }:
let
  pin = {
    sha256 = "07d19afacbca282148bb948a1c463ef36ff83268cacfa03a50c3b965272343e2";
    size = 785;
    known = "made here";
  };
  whole = {
    repository = "coldstart/starter-gpt2";
    revision = "1";
    license = "MIT";
    architecture = "gpt2";
    task = "next-token";
    files."config.json" = pin;
  };
  packaged = {
    inherit (whole)
      repository
      license
      architecture
      task
      ;
    package = "faster-whisper";
  };
  withPin = change: whole // { files."config.json" = pin // change; };
  accepted = entry: {
    expr = self.checkedEntryOf "small" entry;
    expected = entry;
  };
  refused = entry: {
    expr = (builtins.tryEval (builtins.deepSeq (self.checkedEntryOf "small" entry) true)).success;
    expected = false;
  };
in
{
  "an entry of files is taken as it is" = accepted whole;
  "an entry of a package is taken as it is" = accepted packaged;
  "a hash may be agreed by a number of sources" = accepted (withPin { known = "agreed 12"; });
  "what is known only in part is not" = refused (withPin {
    known = "agreed 0";
  });
  "a field that every entry has must be there" = refused (removeAttrs whole [ "license" ]);
  "files without a revision are refused" = refused (removeAttrs whole [ "revision" ]);
  "a field that no entry has is refused" = refused (whole // { licence = "MIT"; });
  "a package with files is refused" = refused (packaged // { inherit (whole) files; });
  "a hash in another form is refused" = refused (withPin {
    sha256 = "sha256-B9Ga+srLooIUi7lIoRxGPv82go3Kz6A8UMO5ZScjQ+I=";
  });
  "a size that is text is refused" = refused (withPin {
    size = "785";
  });
  "an entry may be served by another name" = accepted (whole // { served_as = "gpt2"; });
  "a name with a revision in it is refused" = refused (whole // { served_as = "gpt2@1"; });
  "a file outside the repository is refused" = refused (whole // { files."../config.json" = pin; });
}
