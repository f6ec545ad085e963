# Strings, shell words and versions.
{ lib }:
let
  inherit (builtins)
    concatStringsSep
    elemAt
    genList
    replaceStrings
    stringLength
    substring
    ;
  lower = lib.stringToCharacters "abcdefghijklmnopqrstuvwxyz";
  upper = lib.stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
in
{
  inherit (builtins)
    concatStringsSep
    match
    replaceStrings
    splitVersion
    stringLength
    substring
    ;

  concatStrings = concatStringsSep "";
  concatMapStrings = function: strings: lib.concatStrings (map function strings);
  concatMapStringsSep =
    separator: function: strings:
    concatStringsSep separator (map function strings);
  concatImapStringsSep =
    separator: function: strings:
    concatStringsSep separator (lib.imap1 function strings);
  concatLines = lib.concatMapStrings (line: line + "\n");
  intersperse =
    separator: values:
    lib.drop 1 (
      builtins.concatMap (value: [
        separator
        value
      ]) values
    );
  optionalString = condition: text: if condition then text else "";

  stringToCharacters = text: genList (index: substring index 1 text) (stringLength text);
  splitString =
    separator: text:
    builtins.filter builtins.isString (builtins.split (lib.escapeRegex (toString separator)) (toString text));
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      start = stringLength text - stringLength suffix;
    in
    start >= 0 && substring start (-1) text == suffix;
  hasInfix = infix: text: builtins.match ".*${lib.escapeRegex infix}.*" "${text}" != null;
  removePrefix =
    prefix: text:
    if lib.hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix =
    suffix: text:
    if lib.hasSuffix suffix text then
      substring 0 (stringLength text - stringLength suffix) text
    else
      text;
  toLower = replaceStrings upper lower;
  toUpper = replaceStrings lower upper;
  trim =
    text:
    let
      space = "[ \t\r\n]";
      # POSIX expressions are greedy: the second group has to begin and end with something else than space.
      found = builtins.match "${space}*([^ \t\r\n](.*[^ \t\r\n])?)${space}*" text;
    in
    if found == null then "" else elemAt found 0;
  fixedWidthString =
    width: filler: text:
    if stringLength text >= width then text else lib.fixedWidthString width filler (filler + text);
  toInt =
    text:
    let
      found = builtins.match "[[:space:]]*(-?[1-9][0-9]*|0)[[:space:]]*" text;
    in
    if found == null then
      throw "toInt: could not convert ${builtins.toJSON text} to int."
    else
      builtins.fromJSON (elemAt found 0);

  escape = characters: replaceStrings characters (map (character: "\\${character}") characters);
  escapeRegex = lib.escape (lib.stringToCharacters "\\[{()^$?*+|.");
  escapeShellArg =
    value:
    let
      text = toString value;
    in
    if builtins.match "[[:alnum:],._+:@%/-]+" text != null then
      text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
  escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;
  toShellVar = name: value: "${name}=${lib.escapeShellArg value}";
  isStorePath =
    value:
    builtins.isString "${value}" && dirOf (builtins.unsafeDiscardStringContext "${value}") == builtins.storeDir;

  makeSearchPath =
    directory: roots:
    concatStringsSep ":" (map (root: "${root}/${directory}") (lib.remove null roots));
  makeBinPath = trees: lib.makeSearchPath "bin" (map lib.getBin trees);
  makeLibraryPath = trees: lib.makeSearchPath "lib" (map lib.getLib trees);
  getExe = package: lib.getExe' package (package.meta.mainProgram or (lib.getName package));
  getExe' = package: program: "${lib.getBin package}/bin/${program}";

  getName =
    package:
    if builtins.isString package then
      (builtins.parseDrvName package).name
    else
      package.pname or (builtins.parseDrvName package.name).name;
  getVersion =
    package:
    if builtins.isString package then
      (builtins.parseDrvName package).version
    else
      package.version or (builtins.parseDrvName package.name).version;
  versionOlder = first: second: builtins.compareVersions second first == 1;
  versionAtLeast = first: second: !(lib.versionOlder first second);
  toHexString =
    number:
    let
      digit = substring (lib.mod number 16) 1 "0123456789ABCDEF";
    in
    if number < 16 then digit else lib.toHexString (number / 16) + digit;
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  fakeSha256 = "0000000000000000000000000000000000000000000000000000000000000000";
}
