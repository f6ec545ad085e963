"""A flake of two layers, built by the interpreter alone: one is the same bytes each time, the other never is."""

import platform
from pathlib import Path

from tests.integration.faults.images import Interpreter

_FLAKE = """
{
  outputs =
    _inputs:
    let
      interpreter = "@interpreter@";
      mkLayer =
        content:
        derivation {
          name = "layer";
          system = "@system@";
          # The interpreter is in the store already; this makes it an input, so that a sandbox has it.
          builder = builtins.appendContext "@program@" { ${interpreter}.path = true; };
          # Nix calls a builder by its name alone, from which Python cannot find its own library.
          PYTHONHOME = interpreter;
          args = [
            "-c"
            "import os, pathlib, time; pathlib.Path(os.environ['out']).write_text(${content})"
          ];
        };
    in
    {
      packages.@system@ = {
        always-the-same = mkLayer "'weights'";
        never-the-same = mkLayer "f'weights, packed at {time.time_ns()}'";
      };
    };
}
"""


def layers_flake(directory: Path, python: Interpreter) -> str:
    """Write it into an empty directory; what Nix calls it, to be followed by `#` and the layer's name."""
    flake = _FLAKE
    for name, value in {
        "interpreter": python.program.parents[1],
        "program": python.program,
        "system": f"{platform.machine()}-linux",
    }.items():
        flake = flake.replace(f"@{name}@", str(value))
    (directory / "flake.nix").write_text(flake.lstrip())
    return f"path:{directory}"
