# All outputs, out of the inputs that it is given: the genuine ones (flake.nix) or stand-ins (nix/offline/flake.nix).
{
  self,
  nixpkgs,
  nix2container,
  poetry2nix,
  acceptedLicenses,
  ...
}:
let
  inherit (nixpkgs) lib;
  systems = [
    "aarch64-linux"
    "x86_64-linux"
  ];

  coldstartLib = import ./lib { inherit lib; };
  project = (builtins.fromTOML (builtins.readFile ../pyproject.toml)).tool.poetry;

  matrix = import ./variants.nix;
  slo = builtins.fromTOML (builtins.readFile ../slo.toml);

  metadata = {
    inherit (project) version description;
    source = project.repository;
    revision = self.rev or "dirty";
    created = coldstartLib.timestampOf (self.lastModifiedDate or "19700101000000");
  };

  sources = import ./sources.nix { inherit lib; };

  # One scope a system: each file of nix/ takes what it needs of it, by name.
  scopeOf =
    system:
    let
      scope = {
        inherit
          lib
          coldstartLib
          sources
          metadata
          matrix
          slo
          poetry2nix
          acceptedLicenses
          ;
        pkgs = import nixpkgs { inherit system; };
        inherit (nix2container.packages.${system}) nix2container;
        pythonOf = lib.genAttrs (builtins.attrNames matrix.accelerators) (
          accelerator:
          import ./python {
            inherit lib coldstartLib poetry2nix accelerator;
            inherit (scope) pkgs;
          }
        );
        python = scope.pythonOf.cpu;
        models = call ./models;
        variants = coldstartLib.variantsOf matrix scope.models.entries;
        images = lib.mapAttrs (_attribute: call ./images) scope.variants;
        papers = call ./papers;
        checks = call ./checks;
        apps = call ./apps;
      };
      call =
        path:
        let
          function = import path;
        in
        function (builtins.intersectAttrs (builtins.functionArgs function) scope);
    in
    scope;

  perSystem = lib.genAttrs systems scopeOf;
in
{
  packages = lib.mapAttrs (_system: scope: scope.images // { default = scope.images.image; }) perSystem;
  checks = lib.mapAttrs (_system: scope: scope.checks) perSystem;
  apps = lib.mapAttrs (_system: scope: scope.apps.apps) perSystem;
  devShells = lib.mapAttrs (_system: scope: { default = scope.apps.shell; }) perSystem;

  lib = coldstartLib // {
    # Packages that are not the wheel which poetry.lock names; every wheel; models with what is known of each file.
    strangers = lib.mapAttrs (
      _system: scope: lib.concatMap (python: python.strangers) (lib.attrValues scope.pythonOf)
    ) perSystem;
    wheels = lib.mapAttrs (_system: scope: scope.python.wheels) perSystem;
    # The wheels of each image, for those that need others than the CPU's.
    imageWheels = lib.mapAttrs (
      _system: scope:
      lib.mapAttrs (_name: variant: scope.pythonOf.${variant.accelerator}.wheelsOf variant.extras) scope.variants
    ) perSystem;
    models = perSystem.x86_64-linux.models.entries;
  };
}
