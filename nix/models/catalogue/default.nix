# The catalogue: one file a model, NAME.json, written by `nix run .#models -- add` or by hand. Its source is `files` of a
# repository, or of a `directory` of this checkout, or what a Python `package` installs that poetry.lock pins; `parts`
# are other entries whose source goes into its artifact, too, and the license, an SPDX expression, covers them. `note`
# is for people. `served_as` is the name that clients call it by, where that is not NAME: several entries with one such
# name are revisions of one model, which an image may hold side by side. `known` says how a file's hash is known:
#   "made here"          the file is in this repository, next to the script that makes it;
#   "agreed N"           N independent public sources state the same sha256; the file was not downloaded to check it;
#   "stated by the Hub"  the Hub named it when the entry was written;
#   "computed"           whoever wrote the entry had the file.
{ lib, coldstartLib }:
lib.mapAttrs' (
  file: _type:
  let
    name = lib.removeSuffix ".json" file;
  in
  lib.nameValuePair name (coldstartLib.checkedEntryOf name (lib.importJSON (./. + "/${file}")))
) (lib.filterAttrs (file: _type: lib.hasSuffix ".json" file) (builtins.readDir ./.))
