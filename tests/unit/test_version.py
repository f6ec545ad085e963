"""The version stands in three places: images hold no package metadata, and the harness runs from its sources."""

import tomllib
from pathlib import Path

import coldstart
import coldstart_harness


def test_server_and_harness_have_the_project_version() -> None:
    """What /health, /metrics and reports of proofs say is what the images are tagged with."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["tool"]["poetry"]["version"]
    assert (coldstart.__version__, coldstart_harness.__version__) == (wanted, wanted)
