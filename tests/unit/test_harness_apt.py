"""The system's own packages, on a machine whose lists of them are empty, as bare containers come."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from coldstart_harness import apt
from coldstart_harness.process import Finished


class BareMachine:
    """apt-get, which finds a package only when its lists were read, and dpkg-deb."""

    def __init__(self) -> None:
        self.lists_read = False
        self.commands: list[str] = []

    def __call__(
        self, command: Sequence[str | Path], *, environment: Mapping[str, str], directory: Path | None = None
    ) -> Finished:
        self.commands.append(f"{command[0]} {command[1]}")
        self.lists_read |= command[1] == "update"
        if command[1] == "download" and self.lists_read and directory:
            (directory / "hello.deb").touch()
        return Finished(0 if self.lists_read else 100, "", "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> BareMachine:
    machine = BareMachine()
    monkeypatch.setattr(apt, "follow", machine)
    return machine


def test_a_package_is_fetched_where_the_lists_were_empty(machine: BareMachine, tmp_path: Path) -> None:
    """They are read where those at hand do not do, and only there."""
    fetching = ["apt-get download", "dpkg-deb --extract"]
    for expected in (["apt-get download", "apt-get update", *fetching], fetching):
        machine.commands.clear()
        assert apt.unpack("hello", tmp_path, lambda _line: None).status == 0
        assert machine.commands == expected


def test_packages_are_installed_where_the_lists_were_empty(
    machine: BareMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are fetched."""
    monkeypatch.setattr(apt, "init_system", lambda: "systemd")
    assert apt.install(["hello"], lambda _line: None).status == 0
    assert machine.commands == ["apt-get install", "apt-get update", "apt-get install"]


@pytest.mark.parametrize(
    ("init", "start", "held_back"), [("systemd", True, False), ("systemd", False, True), (None, True, True)]
)
def test_a_service_starts_only_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, init: str | None, start: bool, held_back: bool
) -> None:
    """Tests want a server's programs, and no server on a person's machine; without an init system nothing starts."""
    policy = tmp_path / "policy-rc.d"
    met = []

    def follow(*_command: object, **_options: object) -> Finished:
        met.append(policy.exists())
        return Finished(0, "", "")

    monkeypatch.setattr(apt, "follow", follow)
    monkeypatch.setattr(apt, "_POLICY", policy)
    monkeypatch.setattr(apt, "init_system", lambda: init)
    apt.install(["postgresql"], lambda _line: None, start=start)
    assert met == [held_back]
    assert not policy.exists()
