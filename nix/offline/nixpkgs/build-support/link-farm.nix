# linkFarm name entries: a tree of links. Entries: [ { name, path } … ] or { name = path; … }.
{ lib, final }:
name: entries:
let
  links =
    if builtins.isList entries then
      # Of entries with one name the last counts.
      lib.foldl' (found: entry: found // { ${entry.name} = entry.path; }) { } entries
    else
      entries;
  commands = lib.mapAttrsToList (link: path: ''
    mkdir -p "$(dirname ${lib.escapeShellArg link})"
    ln -s ${lib.escapeShellArg "${path}"} ${lib.escapeShellArg link}
  '') links;
in
final.runCommand name
  {
    preferLocalBuild = true;
    allowSubstitutes = false;
    passthru.entries = links;
  }
  ''
    mkdir -p "$out"
    cd "$out"
    ${lib.concatStrings commands}
  ''
