{ self, ... }:
let
  zlib = {
    pname = "zlib";
    version = "1.3.1";
    meta.license.spdxId = "Zlib";
  };
  of = package: builtins.head (self.systemComponentsOf package);
in
{
  "a package of nixpkgs is itself" = {
    expr = self.systemComponentsOf zlib;
    expected = [
      {
        kind = "nixpkgs";
        name = "zlib";
        version = "1.3.1";
        license = "Zlib";
      }
    ];
  };
  "of several licenses each is named, by what names it best" = {
    expr =
      (of (
        zlib
        // {
          meta.license = [
            { spdxId = "MIT"; }
            { shortName = "free"; }
            { fullName = "By hand"; }
          ];
        }
      )).license;
    expected = "MIT AND free AND By hand";
  };
  "without a license there is none" = {
    expr = (of (zlib // { meta = { }; })).license;
    expected = null;
  };
  "name and version are those of the derivation where it has no others" = {
    expr = removeAttrs (of { name = "gcc-13.3.0"; }) [ "license" ];
    expected = {
      kind = "nixpkgs";
      name = "gcc";
      version = "13.3.0";
    };
  };
  "a tree of Debian packages is each of them" = {
    expr = self.systemComponentsOf (
      zlib
      // {
        debianPackages = [
          {
            name = "zlib1g";
            version = "1:1.2.13.dfsg-1";
            path = "pool/main/z/zlib/zlib1g_1.2.13.dfsg-1_amd64.deb";
            sha256 = "f0";
          }
        ];
      }
    );
    expected = [
      {
        kind = "debian";
        name = "zlib1g";
        version = "1:1.2.13.dfsg-1";
        path = "pool/main/z/zlib/zlib1g_1.2.13.dfsg-1_amd64.deb";
        sha256 = "f0";
      }
    ];
  };
}
