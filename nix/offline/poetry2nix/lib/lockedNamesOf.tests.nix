{ self, ... }:
let
  packages = [
    {
      name = "always";
      groups = [ "main" ];
    }
    {
      name = "with-wheel";
      groups = [ "main" ];
      markers = "extra == \"wheel\" or extra == \"convert\"";
    }
    {
      name = "for-windows";
      groups = [
        "main"
        "dev"
      ];
      markers = {
        main = "sys_platform == \"win32\" and extra == \"harness\"";
        dev = "sys_platform == \"win32\"";
      };
    }
    {
      name = "with-harness-or-dev";
      groups = [
        "main"
        "dev"
      ];
      markers = {
        main = "extra == \"harness\"";
      };
    }
    {
      name = "dev-only";
      groups = [ "dev" ];
    }
    {
      name = "dev-on-linux";
      groups = [ "dev" ];
      markers = "sys_platform == \"linux\"";
    }
  ];
  names = extras: groups: expected: {
    expr = self.lockedNamesOf {
      inherit packages extras groups;
      environment.sys_platform = "linux";
    };
    inherit expected;
  };
in
{
  "without extras only what is always wanted" = names [ ] [ "main" ] [ "always" ];
  "an extra adds what names it" =
    names
      [ "wheel" ]
      [ "main" ]
      [
        "always"
        "with-wheel"
      ];
  "another extra of the same marker adds it too" =
    names
      [ "convert" ]
      [ "main" ]
      [
        "always"
        "with-wheel"
      ];
  "a marker of one group counts for that group" =
    names
      [ "harness" ]
      [ "main" ]
      [
        "always"
        "with-harness-or-dev"
      ];
  "a group without a marker wants its packages always" =
    names
      [ ]
      [
        "main"
        "dev"
      ]
      [
        "always"
        "with-harness-or-dev"
        "dev-only"
        "dev-on-linux"
      ];
  "a group by itself leaves the main one out" =
    names
      [ ]
      [ "dev" ]
      [
        "with-harness-or-dev"
        "dev-only"
        "dev-on-linux"
      ];
}
