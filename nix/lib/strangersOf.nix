_:
/**
  The names of the packages that are not made of a wheel that the lock names: sources, wheels with another hash, packages that
  the lock does not know. `instead` holds the wheels that stand in for the lock's on purpose.

  # Type

  ```
  strangersOf ::
    {
      packages :: [ { name :: String; file :: String; sha256 :: String; } ];
      locked :: { name = [ { file :: String; hash :: String; } ]; };
      instead :: { name = { file :: String; sha256 :: String; }; };
    }
    -> [String]
  ```

  # Example

  ```nix
  strangersOf {
    packages = [ { name = "cffi"; file = "cffi-2.1.1.tar.gz"; sha256 = "f0"; } ];
    locked.cffi = [ { file = "cffi-2.1.1.tar.gz"; hash = "sha256:f0"; } ];
    instead = { };
  }
  => [ "cffi" ]
  ```
*/
{
  packages,
  locked,
  instead,
}:
let
  isWheel = file: builtins.match ".*\\.whl" file != null;

  wheelsOf =
    name:
    if instead ? ${name} then
      [
        {
          inherit (instead.${name}) file;
          hash = "sha256:${instead.${name}.sha256}";
        }
      ]
    else
      builtins.filter (entry: isWheel entry.file) (locked.${name} or [ ]);

  isStranger =
    package:
    !(builtins.any (wheel: wheel.file == package.file && wheel.hash == "sha256:${package.sha256}") (
      wheelsOf package.name
    ));
in
map (package: package.name) (builtins.filter isStranger packages)
