{ lib, ... }:
/**
  A catalogue entry as it is written, if it is whole: it names what every entry names, nothing that none does, one
  source, and for each file a sha256, a size and how that is known. Throws otherwise; the message names the entry, what
  was met and what is wanted.

  # Type

  ```
  checkedEntryOf :: String -> AttrSet -> AttrSet
  ```

  # Example

  ```nix
  checkedEntryOf "silero-vad" { repository = "snakers4/silero-vad"; package = "faster-whisper"; license = "MIT"; … }
  => { repository = "snakers4/silero-vad"; package = "faster-whisper"; license = "MIT"; … }
  ```
*/
name: entry:
let
  always = [
    "architecture"
    "license"
    "repository"
    "task"
  ];
  sometimes = [
    "directory"
    "files"
    "note"
    "package"
    "parts"
    "revision"
    "served_as"
  ];
  fields = builtins.attrNames entry;
  files = entry.files or { };

  # A package has its files and its revision from the lock.
  missing = lib.subtractLists fields (
    always
    ++ lib.optionals (!(entry ? package)) [
      "files"
      "revision"
    ]
  );
  unknown = lib.subtractLists (always ++ sometimes) fields;
  surplus = lib.optionals (entry ? package) (
    builtins.filter (field: entry ? ${field}) [
      "directory"
      "files"
      "revision"
    ]
  );

  isPin =
    pin:
    builtins.isAttrs pin
    && builtins.attrNames pin == [
      "known"
      "sha256"
      "size"
    ]
    && builtins.match "[0-9a-f]{64}" (toString pin.sha256) != null
    && builtins.isInt pin.size
    && pin.size > 0
    && builtins.match "made here|agreed [1-9][0-9]*|stated by the Hub|computed" (toString pin.known) != null;
  isInside = file: builtins.match "/.*|(.*/)?\\.\\.?(/.*)?" file == null;
  wrong = builtins.filter (file: !(isInside file && isPin files.${file})) (builtins.attrNames files);

  # What a client may write before @REVISION.
  isServedName = served: builtins.match "[a-z0-9][a-z0-9._-]*" (toString served) != null;

  refuse = sentence: throw "model ${name}: nix/models/catalogue/${name}.json ${sentence}";
in
if missing != [ ] then
  refuse "lacks ${toString missing}"
else if unknown != [ ] then
  refuse "has ${toString unknown}; an entry has ${toString (always ++ sometimes)}"
else if surplus != [ ] then
  refuse "has a package and ${toString surplus}; what a package installs is pinned by poetry.lock"
else if wrong != [ ] then
  refuse "has ${toString wrong}; a file is a path in the repository with a sha256 of 64 hexadecimal digits, a size in bytes, and known: made here, agreed N, stated by the Hub or computed"
else if !(isServedName (entry.served_as or name)) then
  refuse "has served_as ${toString entry.served_as}; wanted is a name of lower-case letters, digits, '.', '_' and '-'"
else
  entry
