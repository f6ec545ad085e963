# symlinkJoin { name, paths, postBuild ? "", … }: one tree of links to the files of several; the first path wins.
{ final }:
arguments@{
  name ? "${arguments.pname}-${arguments.version}",
  paths,
  postBuild ? "",
  preferLocalBuild ? true,
  allowSubstitutes ? false,
  ...
}:
final.runCommand name
  (
    removeAttrs arguments [
      "name"
      "postBuild"
    ]
    // {
      inherit preferLocalBuild allowSubstitutes;
      passAsFile = [ "paths" ];
    }
  )
  ''
    mkdir -p "$out"
    for tree in $(cat "$pathsPath"); do
      (cd "$tree" && find . -type d -exec mkdir -p "$out/{}" \;)
      (cd "$tree" && find . ! -type d) | while IFS= read -r file; do
        [ -e "$out/$file" ] || [ -L "$out/$file" ] || ln -s "$tree/''${file#./}" "$out/$file"
      done
    done
    ${postBuild}
  ''
