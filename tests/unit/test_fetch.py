"""The fetch step of the offline inputs: store paths, packages, the pins' cache, progress, failures."""

import hashlib
import io
import lzma
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from nix.offline.fetch import archive, bring, download, pins, store
from nix.offline.fetch.errors import FetchError
from nix.offline.fetch.pins import Pin
from nix.offline.fetch.progress import Progress, size_text

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PLAIN = "idna-3.20-py3-none-any.whl"


def wheel(name: str, extra_index: str = "") -> Pin:
    package, version = name.split("-")[:2]
    return Pin(name, "wheel", EMPTY_SHA256, f"{package}=={version}", extra_index)


def make_deb(path: Path, member: str, content: bytes) -> Path:
    """Write a package as dpkg does: an ar archive of three members, the files in the last."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": lzma.compress(packed.getvalue())}
    data = b"!<arch>\n"
    for name, body in parts.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n"
        data += header.encode() + body + b"\n" * (len(body) % 2)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "sha256", "recursive", "expected"),
    [
        ("hello.txt", f"{1:064x}", False, "a8nkbri2aya21lmqx0kv848h3820mi60-hello.txt"),
        (
            "libssl3_3.0.20-1-deb12u2_amd64.deb",
            EMPTY_SHA256,
            False,
            "didijvpikq8nvqqrfbmxrzdqbd4k0zf6-libssl3_3.0.20-1-deb12u2_amd64.deb",
        ),
        ("busybox", EMPTY_SHA256, True, "r7c8fqas4nsqlmvqy4nbz7c5ksr60l6c-busybox"),
    ],
)
def test_store_path_is_that_of_nix(name: str, sha256: str, recursive: bool, expected: str) -> None:
    """A fixed output's path equals what `nix-store --print-fixed-path` prints."""
    assert store.fixed_path(name, sha256, recursive=recursive) == f"/nix/store/{expected}"


def test_nar_of_program_is_that_of_nix() -> None:
    """The NAR of a folder with one program has the hash that `nix-hash --type sha256` prints."""
    nar = store.nar_of_program("bin", "prog", b"odd!!")
    assert hashlib.sha256(nar).hexdigest() == "4ebce805e1abce6cb994cab3b9ee6d31e724f6b5847c60c6d58ea289e7d10a9e"


def test_roots_follow_the_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roots are made in one call, left alone while they match, and made anew when a pin changes."""
    calls: list[list[str]] = []

    def realise(command: list[str], **_options: Any) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        targets = command[2 : command.index("--add-root")]
        for index, target in enumerate(targets):
            (tmp_path / "roots" / f"pin-{index}").symlink_to(target)
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", realise)
    for paths in (["/nix/store/a", "/nix/store/b"], ["/nix/store/b", "/nix/store/a"], ["/nix/store/c"]):
        store.keep(tmp_path / "roots", paths)
    assert len(calls) == 2
    assert [str(link.readlink()) for link in (tmp_path / "roots").iterdir()] == ["/nix/store/c"]


def test_file_is_read_out_of_a_package(tmp_path: Path) -> None:
    """A package is unpacked without dpkg."""
    deb = make_deb(tmp_path / "a.deb", "./bin/busybox", b"\x7fELF")
    assert archive.file_in_deb(deb, "./bin/busybox") == b"\x7fELF"


@pytest.mark.parametrize("member", ["./bin/other", "./bin"])
def test_absent_file_of_a_package_is_named(tmp_path: Path, member: str) -> None:
    """A file that the package lacks is a sentence with its name."""
    deb = make_deb(tmp_path / "a.deb", "./bin/busybox", b"")
    with pytest.raises(FetchError, match=member):
        archive.file_in_deb(deb, member)


def test_no_package_is_told(tmp_path: Path) -> None:
    """Something else than a package, such as a proxy's page, is told by how it begins."""
    (tmp_path / "a.deb").write_bytes(b"<html>sorry</html>")
    with pytest.raises(FetchError, match="<html>"):
        archive.file_in_deb(tmp_path / "a.deb", "./bin/busybox")


def test_wrong_file_is_removed(tmp_path: Path) -> None:
    """A file with another hash does not stay, and both hashes are named."""
    file = tmp_path / "a"
    file.write_bytes(b"x")
    with pytest.raises(FetchError, match=rf"^m sent .* sha256 2d711642.*wants {EMPTY_SHA256}"):
        download.verify(file, EMPTY_SHA256, "m")
    assert not file.exists()


def test_unknown_kind_of_pin_is_refused() -> None:
    """A pin of a kind that nobody brings is refused, with the kinds there are."""
    with pytest.raises(FetchError, match="'sdist'; known: deb, member, url, wheel"):
        pins.pin_of({"name": "a", "kind": "sdist", "sha256": EMPTY_SHA256})


def test_pins_are_evaluated_once_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is kept until a file changes that it is computed from."""
    top = tmp_path / "top"
    (top / "nix").mkdir(parents=True)
    (top / "poetry.lock").write_text("a")
    asked: list[str] = []

    def evaluated(flake: str) -> str:
        asked.append(flake)
        return f'[{{"name": "{PLAIN}", "kind": "wheel", "sha256": "{EMPTY_SHA256}"}}]'

    monkeypatch.setattr(pins, "evaluated", evaluated)
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = pins.listed(top, "flake", environ)
    assert pins.listed(top, "flake", environ) == first
    assert len(asked) == 1
    (top / "nix" / "new.nix").write_text("{ }")
    assert pins.listed(top, "flake", environ) == first
    assert len(asked) == 2


def test_an_image_has_pins_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only an accelerator wants is listed by image; a name that is none fails with Nix's own words."""
    monkeypatch.setattr(
        pins,
        "evaluated",
        lambda flake, attribute: f'[{{"name": "{flake}-{attribute}", "kind": "wheel", "sha256": "{EMPTY_SHA256}"}}]',
    )
    assert [pin.name for pin in pins.of_image("flake", "image-a")] == ["flake-imagePins.image-a"]


def test_log_gets_one_line_when_it_was_quick() -> None:
    """Without a terminal nothing is redrawn; the end is told in one line."""
    stream = io.StringIO()
    with Progress(2, stream, arriving=lambda: 5_000_000, clock=lambda: 0.0) as progress:
        progress.add(1_000)
    assert stream.getvalue() == "fetch: 1/2 files, 5 MB, 0 s\n"


def test_log_gets_a_line_now_and_then() -> None:
    """Without a terminal a line comes every five seconds, not at every redraw."""
    now_s = 0.0
    stream = io.StringIO()
    progress = Progress(3, stream, clock=lambda: now_s)
    for passed_s in (1.0, 4.9, 5.0, 6.0, 10.1):
        now_s = passed_s
        progress.draw()
    assert stream.getvalue().count("\n") == 2


def test_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the bar is as long as the share of files that have come."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    progress = Progress(3, stream, clock=lambda: 0.0)
    progress.add(10)
    progress.draw()
    assert stream.getvalue().count("█") == 10
    assert "1/3 files" in stream.getvalue()


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0 kB"), (999_000, "999 kB"), (190_000_000, "190 MB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes_are_readable(size_bytes: int, text: str) -> None:
    """Sizes are in units of a thousand."""
    assert size_text(size_bytes) == text


def test_every_failure_is_told(tmp_path: Path) -> None:
    """Two failed downloads are two sentences."""
    both = threading.Barrier(2)

    def failing(name: str) -> bring.Task:
        def task(_folder: Path, _progress: Progress) -> None:
            both.wait(10)
            raise FetchError(f"{name} failed")

        return task

    with pytest.raises(FetchError, match=r"^a failed\nb failed$"):
        bring.run_all([failing("a"), failing("b")], tmp_path, Progress(2, io.StringIO()))


def test_complete_store_costs_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written or fetched when the store holds every pin; they are rooted all the same."""
    rooted: list[str] = []
    monkeypatch.setattr(store, "absent", lambda _paths: [])
    monkeypatch.setattr(store, "keep", lambda _roots, paths: rooted.extend(paths))
    stream = io.StringIO()
    assert bring.bring([wheel(PLAIN)], tmp_path, stream) == 0
    assert stream.getvalue() == ""
    assert rooted == [store.fixed_path(PLAIN, EMPTY_SHA256)]
