"""The version stands in two places, because an image holds no package metadata of the server."""

import tomllib
from pathlib import Path

from coldstart import __version__


def test_the_server_reports_the_project_version() -> None:
    """What /health and /metrics say is what the images are tagged with."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == project["tool"]["poetry"]["version"]
