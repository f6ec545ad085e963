{ lib, ... }:
/**
  What a package of the system is, for an image's papers: the Debian packages that it is made of, or else itself as
  nixpkgs knows it. A license is an SPDX expression, null where nixpkgs has none.

  # Type

  ```
  systemComponentsOf :: Package -> [AttrSet]
  ```

  # Example

  ```nix
  systemComponentsOf pkgs.zlib
  => [ { kind = "nixpkgs"; name = "zlib"; version = "1.3.1"; license = "Zlib"; } ]
  ```
*/
package:
let
  idOf = license: license.spdxId or license.shortName or license.fullName or (toString license);
  licenses = lib.toList (package.meta.license or [ ]);
  fromDebian = debian: {
    kind = "debian";
    inherit (debian)
      name
      version
      path
      sha256
      ;
  };
in
if package ? debianPackages then
  map fromDebian package.debianPackages
else
  [
    {
      kind = "nixpkgs";
      name = package.pname or (builtins.parseDrvName package.name).name;
      version = package.version or (builtins.parseDrvName package.name).version;
      license = if licenses == [ ] then null else lib.concatStringsSep " AND " (map idOf licenses);
    }
  ]
