"""docs/models.md against the commands that there are."""

import re
from pathlib import Path

import typer.main

from coldstart_harness.cli_models import app

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_documented_commands_are_the_commands() -> None:
    """Each command on models is shown, with flags that it has, and no other."""
    group = typer.main.get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 - typer's type for it does not say that it has them
    known = {name: {flag for option in command.params for flag in option.opts} for name, command in commands.items()}
    shown = re.findall(r"\.#models -- (\w+)((?: [^`#\n]+)?)", PAGE)
    assert {name for name, _ in shown} == set(known)
    for name, rest in shown:
        assert set(re.findall(r"--\w+", rest)) <= known[name]
