# Packages joined to one directory in the shape of a virtual environment, by symbolic links.
{
  lib,
  pkgs,
  python,
  packages,
}:
let
  mkEnvironment =
    { name }:
    pkgs.runCommand name
      {
        inherit packages;
        inherit (python) interpreter version sitePackages;
      }
      ''
        "$interpreter" -P -B ${./build/join_environment.py} --interpreter "$interpreter" --version "$version" \
          --site-packages "$sitePackages" "$out" $packages
      ''
    // {
      # An environment has no other attribute that one could want to change.
      overrideAttrs = change: mkEnvironment ({ inherit name; } // change { inherit name; });
    };
in
mkEnvironment { name = "python3-env"; }
