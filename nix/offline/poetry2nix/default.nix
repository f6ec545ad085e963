# poetry2nix for locks whose packages are all wheels: same names and arguments as the genuine one, of which it has what
# nix/python uses. An argument that is not here is an error, as an unknown one is there.
#
# Which packages an environment holds is what the lock says of each of them, markers and groups, as Poetry reads it. The
# genuine one follows dependencies instead and takes every extra of a dependency as wanted, which can add a package.
{ lib, pkgs }:
let
  packaging = import ./lib { inherit lib; };

  readTOML = path: builtins.fromTOML (builtins.readFile path);

  # PEP 508's variables, and what decides which wheels fit.
  platformOf = python: {
    markers = {
      implementation_name = "cpython";
      implementation_version = python.version;
      os_name = "posix";
      platform_machine = "x86_64";
      platform_python_implementation = "CPython";
      platform_system = "Linux";
      python_full_version = python.version;
      python_version = python.pythonVersion;
      sys_platform = "linux";
    };
    wheels = {
      machine = "x86_64";
      pythonMinor = lib.toInt python.sourceVersion.minor;
      glibcMinor = lib.toInt (builtins.elemAt (lib.splitString "." pkgs.glibc.version) 1);
    };
  };

  mkOverrides = overlay: {
    __functor = _self: overlay;
    extend = next: mkOverrides (lib.composeExtensions overlay next);
  };

  packageSetOf =
    {
      python,
      poetryLock,
      overrides,
      pwd,
      preferWheels,
    }:
    let
      base = final: {
        mkPoetryDep = import ./mk-poetry-dep.nix {
          inherit lib pkgs python packaging;
          platform = (platformOf python).wheels;
        };
      } // lib.listToAttrs (map (package: lib.nameValuePair package.name (fromLock final package)) poetryLock.package);
      fromLock =
        final: package:
        final.mkPoetryDep (
          package
          // {
            inherit pwd preferWheels;
            pythonPackages = final;
            source = package.source or null;
            sourceSpec = { };
          }
        );
    in
    lib.fix (lib.extends (overrides.__functor overrides) base);

  refuseUnknown =
    what: known: wanted:
    let
      unknown = builtins.filter (name: !(builtins.elem name known)) wanted;
    in
    if unknown == [ ] then
      wanted
    else
      throw "${what} ${toString unknown}: pyproject.toml has ${toString known}";

  mkPoetryPackages =
    {
      pyproject,
      poetrylock,
      overrides,
      python,
      pwd,
      preferWheels,
      groups,
      checkGroups,
      extras,
    }:
    let
      pyProject = readTOML pyproject;
      poetryLock = readTOML poetrylock;
      inherit (pyProject.tool) poetry;
      packageSet = packageSetOf {
        inherit
          python
          poetryLock
          overrides
          pwd
          preferWheels
          ;
      };
      names = packaging.lockedNamesOf {
        packages = poetryLock.package;
        extras = refuseUnknown "extras" (builtins.attrNames (poetry.extras or { })) extras;
        groups = refuseUnknown "groups" ([ "main" ] ++ builtins.attrNames (poetry.group or { })) (
          groups ++ checkGroups
        );
        environment = (platformOf python).markers;
      };
    in
    {
      inherit python pyProject poetryLock;
      # null: an override has left the package out.
      poetryPackages = builtins.filter (package: package != null) (map (name: packageSet.${name}) names);
    };
in
{
  defaultPoetryOverrides = mkOverrides (_final: _prev: { });

  inherit mkPoetryPackages;

  mkPoetryEnv =
    arguments:
    import ./mk-environment.nix {
      inherit lib pkgs;
      inherit (arguments) python;
      packages = (mkPoetryPackages arguments).poetryPackages;
    };
}
