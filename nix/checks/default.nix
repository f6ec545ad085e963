# What `nix flake check` proves: each check's name is the behaviour that it shows.
{
  lib,
  pkgs,
  coldstartLib,
  python,
  pythonOf,
  variants,
  images,
  models,
  slo,
  sources,
}:
let
  # A command over a writable copy of the sources; what it leaves in $out is the check's report.
  mkCheck =
    name: script:
    pkgs.runCommand name { nativeBuildInputs = [ python.development ]; } ''
      cp -r ${sources.everything} source
      chmod -R u+w source
      cd source
      mkdir "$out"
      export HOME=$TMPDIR PYTHONPATH=server:harness:models PYTHONDONTWRITEBYTECODE=1
      ${script}
    '';

  # A list of sentences about what is wrong; the check fails and prints them if there is one.
  mkVerdict =
    name: findings:
    pkgs.runCommand name { findings = lib.concatStringsSep "\n" findings; } ''
      if [ -n "$findings" ]; then
        echo "$findings" >&2
        exit 1
      fi
      mkdir "$out"
    '';

  promises = import ./image-promises.nix { inherit lib coldstartLib slo; };
  imageNames = map (variant: variant.name) (lib.attrValues variants);
in
{
  python-is-formatted = mkCheck "python-is-formatted" "ruff format --check .";
  python-is-linted = mkCheck "python-is-linted" "ruff check .";
  python-types-hold = mkCheck "python-types-hold" "mypy";
  imports-keep-their-layers = mkCheck "imports-keep-their-layers" "lint-imports";
  nix-functions-are-tested = mkVerdict "nix-functions-are-tested" (
    lib.concatMap (report: report.failures) [
      (import ../lib/tests.nix { inherit lib; })
      (import ../offline/nix2container/tests.nix { inherit lib; })
      (import ../offline/poetry2nix/tests.nix { inherit lib; })
      (coldstartLib.testReportOf { lib = import ../offline/nixpkgs/lib/tests.nix { inherit lib; }; })
    ]
  );
  every-image-has-promises = mkVerdict "every-image-has-promises" (
    map (name: "slo.toml promises nothing of ${name}: add [image.${name}] with its services") (
      lib.subtractLists (lib.attrNames slo.image) imageNames
    )
    ++ map (name: "slo.toml has [image.${name}], which is no row of nix/variants.nix: remove it") (
      lib.subtractLists imageNames (lib.attrNames slo.image)
    )
  );
  packages-are-the-locked-wheels = mkVerdict "packages-are-the-locked-wheels" (
    map (name: "${name} is not the wheel that poetry.lock names") (
      lib.concatMap (python: python.strangers) (lib.attrValues pythonOf)
    )
  );
}
# One check a directory, for they run side by side.
// lib.listToAttrs (
  map (directory: rec {
    name = "${directory}-tests-pass";
    value = mkCheck name ''
      pytest tests/${directory} -p no:cacheprovider \
        --junitxml "$out/junit.xml" --cov coldstart --cov coldstart_harness --cov-report "xml:$out/coverage.xml"
    '';
  }) [ "api" "contract" "unit" ]
)
// lib.mapAttrs' (attribute: variant: {
  name = "${attribute}-keeps-its-promises";
  value = mkVerdict "${attribute}-keeps-its-promises" (promises images.${attribute}.config variant);
}) variants
