"""How the fetch step calls the machine's clients: mirrors out of apt's sources, arguments for pip."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nix.offline.fetch import debian, wheels
from nix.offline.fetch.errors import FetchError
from nix.offline.fetch.pins import Pin

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
TORCH = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
PLAIN = "idna-3.20-py3-none-any.whl"

SOURCES_LIST = """\
# deb http://commented.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian/ bookworm main contrib # why
deb http://security.example/debian-security bookworm-security main
"""

DEBIAN_SOURCES = """\
Types: deb deb-src
# a comment inside a stanza
URIs: http://one.example/debian
 http://two.example/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main
"""


def wheel(name: str, extra_index: str = "") -> Pin:
    package, version = name.split("-")[:2]
    return Pin(name, "wheel", EMPTY_SHA256, f"{package}=={version}", extra_index)


def test_one_line_sources_are_read() -> None:
    """Options and trailing comments are passed over, as are comments and source archives."""
    assert list(debian.sources_of_list(SOURCES_LIST)) == [
        debian.Source("http://mirror.example/debian", ("bookworm",), ("main", "contrib")),
        debian.Source("http://security.example/debian-security", ("bookworm-security",), ("main",)),
    ]


def test_deb822_sources_are_read() -> None:
    """Each address of a stanza is an archive; disabled and source-only stanzas are none."""
    suites = ("bookworm", "bookworm-updates")
    assert list(debian.sources_of_deb822(DEBIAN_SOURCES)) == [
        debian.Source("http://one.example/debian", suites, ("main",)),
        debian.Source("http://two.example/debian", suites, ("main",)),
    ]


def test_both_forms_of_sources_are_found(tmp_path: Path) -> None:
    """`sources.list` comes first, then the files of `sources.list.d` by name; other files there count for nothing."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(SOURCES_LIST)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEBIAN_SOURCES)
    (tmp_path / "sources.list.d" / "old.list.save").write_text(SOURCES_LIST)
    addresses = [source.uri for source in debian.read_sources(tmp_path)]
    assert addresses[:1] + addresses[2:] == [
        "http://mirror.example/debian",
        "http://one.example/debian",
        "http://two.example/debian",
    ]


def test_mirror_of_the_suite_is_tried_first() -> None:
    """Other archives with the same component follow (a pool is shared by releases), those for security never."""
    sources = [
        debian.Source("http://other.example/debian", ("trixie",), ("main",)),
        debian.Source("http://security.example/debian-security", ("bookworm-security",), ("main",)),
        debian.Source("http://exact.example/debian", ("bookworm",), ("main",)),
        debian.Source("cdrom:[disc]", ("bookworm",), ("main",)),
    ]
    expected = ["http://exact.example/debian", "http://other.example/debian"]
    assert debian.mirrors({}, sources, "bookworm", "main") == expected


def test_mirror_of_ubuntu_is_asked_for_debian_beside_it() -> None:
    """On Ubuntu the sibling folder `debian` of its mirror comes first."""
    sources = [debian.Source("http://m.example/ubuntu", ("noble",), ("main",))]
    assert debian.mirrors({}, sources, "bookworm", "main")[0] == "http://m.example/debian"


def test_mirror_lists_are_resolved(tmp_path: Path) -> None:
    """An address that names a file of mirrors stands for the mirrors in it."""
    (tmp_path / "list").write_text("# mirrors\nhttp://a.example/debian/\tpriority:1\nhttp://b.example/debian\n")
    sources = [debian.Source(f"mirror+file:{tmp_path}/list", ("bookworm",), ("main",))]
    assert debian.mirrors({}, sources, "bookworm", "main") == ["http://a.example/debian", "http://b.example/debian"]


def test_variable_overrides_the_sources() -> None:
    """COLDSTART_DEBIAN_MIRROR is the only mirror, if set."""
    assert debian.mirrors({debian.MIRROR_VARIABLE: "http://v.example/d/"}, [], "bookworm", "main") == [
        "http://v.example/d"
    ]


def test_no_mirror_names_the_variable() -> None:
    """Without any mirror the sentence says which variable to set."""
    with pytest.raises(FetchError, match=debian.MIRROR_VARIABLE):
        debian.mirrors({}, [], "bookworm", "main")


def test_pip_is_asked_for_exactly_one_wheel() -> None:
    """The interpreter, ABI and every platform tag of the wheel are given, so that any Python can run pip."""
    name = "numpy-2.4.0-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    given = wheels.arguments([wheel(name)], Path("r.txt"), Path("out"), "https://extra.example/simple")
    assert given[0] == "download"
    for flag in (
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--abi=abi3",
        "--platform=manylinux2014_x86_64",
        "--platform=manylinux_2_17_x86_64",
        "--extra-index-url=https://extra.example/simple",
    ):
        assert flag in given
    assert wheels.requirements_text([wheel(name)]) == f"numpy==2.4.0 --hash=sha256:{EMPTY_SHA256}\n"


def test_batches_share_their_tags() -> None:
    """One pip call gets wheels of one set of tags, at most eight; one with an index of its own is alone and first."""
    plain = [wheel(f"p{index}-1-py3-none-any.whl") for index in range(9)]
    native = wheel("n-1-cp311-cp311-manylinux_2_28_x86_64.whl")
    torch = wheel(TORCH, "https://extra.example/simple")
    found = wheels.batches([*plain, native, torch])
    assert found[0] == [torch]
    assert sorted(len(batch) for batch in found) == [1, 1, 1, 8]
    assert all(len({wheels.tags_of(pin.name) for pin in batch}) == 1 for batch in found)


def test_other_names_are_no_wheels() -> None:
    """A name that is no wheel's is refused, with the form that a wheel's name has."""
    with pytest.raises(FetchError, match="PYTHON-ABI-PLATFORM"):
        wheels.tags_of("idna-3.20.tar.gz")


def test_extra_index_is_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own indexes come first; the wheel's own one only when they do not have it."""
    monkeypatch.setattr(wheels, "pip_command", lambda: ["pip"])
    commands: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1 if len(commands) == 1 else 0, b"", b"ERROR: none")

    wheels.fetch([wheel(TORCH, "https://extra.example/simple")], tmp_path, {}, run)
    assert [any("extra.example" in word for word in command) for command in commands] == [False, True]


def test_pip_failure_is_pips_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip calls an error is in the sentence, beside the packages that were asked for."""
    monkeypatch.setattr(wheels, "pip_command", lambda: ["pip"])

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 1, b"", b"WARNING: slow\nERROR: No matching distribution\n")

    with pytest.raises(FetchError, match=r"bring idna==3\.20: ERROR: No matching distribution$"):
        wheels.fetch([wheel(PLAIN)], tmp_path, {}, run)


def test_pip_is_found_beside_this_interpreter_or_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter without pip uses the pip on PATH; without either the sentence says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    assert wheels.pip_command() == [sys.executable, "-m", "pip"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/pip3" if name == "pip3" else None)
    assert wheels.pip_command() == ["/bin/pip3"]
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(FetchError, match="python3-pip"):
        wheels.pip_command()
