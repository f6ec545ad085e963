{ lib, ... }:
/**
  How well a wheel fits a CPython on Linux, by its file name: a list of numbers of which the smaller is the better, as
  pip orders wheels; null if the wheel does not fit. Several tags in one name count as the best of them.

  # Type

  ```
  wheelRankOf :: { pythonMinor :: Int; glibcMinor :: Int; machine :: String; } -> String -> [Int] | null
  ```

  # Example

  ```nix
  wheelRankOf { pythonMinor = 11; glibcMinor = 36; machine = "x86_64"; } "h11-0.16.0-py3-none-any.whl"
  => [ 4 0 0 ]
  ```
*/
{
  pythonMinor,
  glibcMinor,
  machine,
}:
file:
let
  parts = builtins.match ".*-([^-]+)-([^-]+)-([^-]+)\\.whl" file;
  tagsAt = position: lib.splitString "." (builtins.elemAt parts position);

  # The old names of three manylinux tags. Source: PEP 600, "Legacy manylinux tags".
  legacyGlibc = {
    manylinux1 = 5;
    manylinux2010 = 12;
    manylinux2014 = 17;
  };

  # The minor version of glibc that a platform tag wants; -1 for a plain Linux tag, null where it does not fit.
  glibcOf =
    tag:
    let
      modern = builtins.match "manylinux_2_([0-9]+)_${machine}" tag;
      legacy = builtins.match "(manylinux[0-9]+)_${machine}" tag;
      wanted =
        if modern != null then
          builtins.fromJSON (builtins.head modern)
        else if legacy != null then
          legacyGlibc.${builtins.head legacy}
        else if tag == "linux_${machine}" then
          -1
        else
          null;
    in
    if wanted == null || wanted > glibcMinor then null else wanted;

  minorOf =
    tag:
    let
      minor = builtins.match "cp3([0-9]+)" tag;
    in
    if minor == null then null else builtins.fromJSON (builtins.head minor);

  # [what it is made for, how much older than this Python, how much older than this glibc]
  rankOf =
    python: abi: platform:
    let
      minor = minorOf python;
      isMine = minor == pythonMinor;
      runsHere = isMine || python == "py3" || python == "py3${toString pythonMinor}";
      glibc = glibcOf platform;
      age = glibcMinor - glibc;
    in
    if glibc != null && isMine && abi == python then
      [ 0 0 age ]
    else if glibc != null && abi == "abi3" && minor != null && minor <= pythonMinor then
      [ 1 (pythonMinor - minor) age ]
    else if glibc != null && abi == "none" && isMine then
      [ 2 0 age ]
    else if glibc != null && abi == "none" && runsHere then
      [ 3 0 age ]
    else if platform == "any" && abi == "none" && runsHere then
      [ 4 0 0 ]
    else
      null;

  ranks = lib.concatMap (
    python: lib.concatMap (abi: map (rankOf python abi) (tagsAt 2)) (tagsAt 1)
  ) (tagsAt 0);
  fitting = builtins.sort builtins.lessThan (builtins.filter (rank: rank != null) ranks);
in
if parts == null || fitting == [ ] then null else builtins.head fitting
