{ self, ... }:
/**
  The wheel that fits this Python best, of the files that the lock names for a package. Throws if none does.

  # Type

  ```
  bestWheelOf ::
    { pythonMinor :: Int; glibcMinor :: Int; machine :: String; }
    -> { name :: String; files :: [ { file :: String; hash :: String; } ]; }
    -> { file :: String; hash :: String; }
  ```

  # Example

  ```nix
  (bestWheelOf platform { name = "h11"; files = [ { file = "h11-0.16.0-py3-none-any.whl"; hash = "…"; } ]; }).file
  => "h11-0.16.0-py3-none-any.whl"
  ```
*/
platform:
{ name, files }:
let
  ranked = builtins.filter (candidate: candidate.rank != null) (
    map (entry: {
      inherit entry;
      rank = self.wheelRankOf platform entry.file;
    }) files
  );
  sorted = builtins.sort (a: b: a.rank < b.rank) ranked;
in
if sorted == [ ] then
  throw "${name}: none of its files is a wheel for ${builtins.toJSON platform}: ${
    toString (map (entry: entry.file) files)
  }"
else
  (builtins.head sorted).entry
