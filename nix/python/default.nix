# poetry.lock as Python environments. Only this directory knows poetry2nix.
#
# accelerator is the kind of machine that the packages are for: one file of ./accelerators, one package set.
{
  lib,
  pkgs,
  coldstartLib,
  poetry2nix,
  accelerator,
}:
let
  inherit (poetry2nix.lib.mkPoetry2Nix { inherit pkgs; })
    defaultPoetryOverrides
    mkPoetryEnv
    mkPoetryPackages
    ;

  pyproject = ../../pyproject.toml;
  poetrylock = ../../poetry.lock;
  project = (builtins.fromTOML (builtins.readFile pyproject)).tool.poetry;
  lock = (builtins.fromTOML (builtins.readFile poetrylock)).package;

  # Of two versions of a package poetry2nix takes the last, and says nothing.
  duplicates = coldstartLib.duplicateNamesOf lock;
  lockedPackages =
    if duplicates == [ ] then
      lib.listToAttrs (map (package: lib.nameValuePair package.name package) lock)
    else
      throw "poetry.lock names a package twice: ${toString duplicates}; pin one version of it in pyproject.toml";

  accelerators = {
    cpu = ./accelerators/cpu.nix;
    cuda = ./accelerators/cuda.nix;
  };
  accelerated = import (accelerators.${accelerator}
    or (throw "accelerator ${accelerator}: expected one of ${toString (builtins.attrNames accelerators)}")
  ) {
    inherit
      lib
      pkgs
      coldstartLib
      lockedPackages
      ;
  };

  # Every argument that has a default of its own in poetry2nix is given: its defaults are "all extras" and "with the
  # development group".
  argumentsOf =
    { extras, groups }:
    let
      wanted = lib.concatMap (extra: project.extras.${extra} or [ ]) extras;
      # null is poetry2nix' own way to leave a package out: it vanishes from every list of dependencies.
      leaveOut = _final: _prev: lib.genAttrs (accelerated.leftOut wanted) (_name: null);
    in
    {
      inherit pyproject poetrylock extras;
      pwd = ../..;
      groups = [ "main" ] ++ groups;
      checkGroups = [ ];
      preferWheels = true;
      python = pkgs.python311;
      overrides = defaultPoetryOverrides.extend (
        lib.composeManyExtensions [
          (import ./overlay.nix {
            inherit
              lib
              pkgs
              coldstartLib
              lockedPackages
              ;
          })
          accelerated.overlay
          leaveOut
        ]
      );
    };

  selected =
    selection:
    builtins.filter (package: lockedPackages ? ${package.pname or ""})
      (mkPoetryPackages (argumentsOf selection)).poetryPackages;

  extras = builtins.attrNames project.extras;
  groups = builtins.attrNames project.group;
  everything = selected { inherit extras groups; };
  byName = packages: lib.listToAttrs (map (package: lib.nameValuePair package.pname package) packages);
  ofExtras =
    extras:
    selected {
      inherit extras;
      groups = [ ];
    };

  fileOf = package: {
    name = package.pname;
    file = package.src.name;
    sha256 = lib.removePrefix "sha256:" package.src.outputHash;
  };

  wheelOf =
    package:
    {
      name = package.src.name;
      inherit (fileOf package) sha256;
      kind = "wheel";
      requirement = "${package.pname}==${package.version}";
    }
    // lib.optionalAttrs (accelerated.wheels ? ${package.pname}) {
      extraIndex = accelerated.wheels.${package.pname}.index;
    };

  environmentOf =
    {
      name,
      extras ? [ ],
      groups ? [ ],
    }:
    (mkPoetryEnv (argumentsOf { inherit extras groups; })).overrideAttrs (_old: {
      name = "${name}-python";
    });
in
{

  # Every package of the lock that this machine can use, by name.
  packages = byName everything;

  /**
    The packages of an environment with these extras, by name.

    # Type

    ```
    packagesOf :: [String] -> { name = Derivation; }
    ```
  */
  packagesOf = extras: byName (ofExtras extras);

  /**
    A directory with bin/python, bin/ of every package, and all packages on its path: the project's dependencies plus
    those of the extras and the dependency groups. The project itself is not in it.

    # Type

    ```
    environmentOf :: { name :: String; extras :: [String] ? [ ]; groups :: [String] ? [ ]; } -> Derivation
    ```
  */
  inherit environmentOf;

  # Everything in one: all extras, all groups.
  development = environmentOf {
    name = "development";
    inherit extras groups;
  };

  # The names of the packages that are not made of the wheel which the lock (or the accelerator) names. Always empty,
  # and checked to be.
  strangers = coldstartLib.strangersOf {
    packages = map fileOf everything;
    locked = lib.mapAttrs (_name: package: package.files) lockedPackages;
    instead = accelerated.wheels;
  };

  # What the packages are made of, for a step that fetches wheels ahead of the build: { name, sha256, kind,
  # requirement } and, for a wheel that is not in the registry, the index that has it (extraIndex).
  wheels = map wheelOf everything;

  /**
    The same of an environment with these extras.

    # Type

    ```
    wheelsOf :: [String] -> [ { name, sha256, kind, requirement, extraIndex ? } ]
    ```
  */
  wheelsOf = extras: map wheelOf (ofExtras extras);
}
