"""Model files from mirrors and the Hub: who is asked first, and what becomes of wrong bytes."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.unit.harness_hub_doubles import COMMIT, REPOSITORY, STARTER, played_hub, sha256_of, starter_entry

from coldstart_harness.catalogue import download as module
from coldstart_harness.catalogue.download import HUB, DownloadFailed, Wanted, bases_of, download
from coldstart_harness.catalogue.fetching import FetchFailed, fetch_into_directory, wanted_of

NOBODY = "http://127.0.0.1:9"


def wanted_file(file: str) -> Wanted:
    return next(wanted for wanted in wanted_of(starter_entry()) if wanted.file == file)


@contextmanager
def replying(reply: bytes) -> Iterator[str]:
    """A server that answers with these bytes, whatever it is asked, and closes the connection."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(reply)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_mirrors_are_asked_before_the_hub() -> None:
    """In the order in which they are named, and the Hub is last."""
    assert bases_of({"COLDSTART_MODEL_MIRROR": "https://a.example/ file:///disk/models"}) == [
        "https://a.example",
        "file:///disk/models",
        HUB,
    ]
    assert bases_of({}) == [HUB]


def test_a_mirror_that_is_no_address_is_refused() -> None:
    """The sentence says what was met and what is wanted."""
    with pytest.raises(DownloadFailed, match=r"has 'ftp://a.example'; wanted are addresses that begin with http"):
        bases_of({"COLDSTART_MODEL_MIRROR": "ftp://a.example"})


def test_a_file_comes_from_the_first_place_that_has_it(tmp_path: Path) -> None:
    """A mirror that does not answer, or lacks the file, is passed over; who is behind is not asked."""
    wanted = wanted_file("tokenizer.json")
    arrived: list[int] = []
    with played_hub() as mirror, played_hub() as hub:
        empty = f"{mirror.url}/elsewhere"
        digest = download(wanted, tmp_path / "file", [NOBODY, empty, mirror.url, hub.url], arrived.append)
    assert digest == wanted.sha256 == sha256_of((tmp_path / "file").read_bytes())
    assert sum(arrived) == wanted.size
    assert mirror.asked[-1] == f"/{REPOSITORY}/resolve/{COMMIT}/tokenizer.json"
    assert hub.asked == []


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", b"nonsense\r\n"], ids=["cut", "nonsense"]
)
def test_a_mirror_whose_reply_is_broken_is_passed_over(tmp_path: Path, reply: bytes) -> None:
    """A chunk that is cut, and what is no HTTP; the next place has the file."""
    wanted = wanted_file("config.json")
    with replying(reply) as broken, played_hub() as hub:
        assert download(wanted, tmp_path / "file", [broken, hub.url]) == wanted.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_directory_serves_as_a_mirror(tmp_path: Path) -> None:
    """A disk that was filled elsewhere, without a server."""
    place = tmp_path / "disk" / REPOSITORY / "resolve" / COMMIT
    place.mkdir(parents=True)
    (place / "config.json").write_bytes((STARTER / "config.json").read_bytes())
    download(wanted_file("config.json"), tmp_path / "file", [f"file://{tmp_path}/disk"])
    assert (tmp_path / "file").read_bytes() == (STARTER / "config.json").read_bytes()


def test_other_bytes_are_refused_by_name_with_both_hashes(tmp_path: Path) -> None:
    """A mirror with another file of the same size is not passed over in silence, and nothing is left behind."""
    content = bytearray((STARTER / "tokenizer.json").read_bytes())
    content[1000] ^= 1
    wanted = wanted_file("tokenizer.json")
    with (
        played_hub(tokenizer_json=bytes(content)) as mirror,
        played_hub() as hub,
        pytest.raises(DownloadFailed) as failure,
    ):
        download(wanted, tmp_path / "file", [mirror.url, hub.url])
    assert str(failure.value).startswith(
        f"{REPOSITORY}/tokenizer.json at {COMMIT} has sha256 {sha256_of(bytes(content))} at"
    )
    assert str(failure.value).endswith(f"; wanted {wanted.sha256}")
    assert hub.asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"{}", "has 2 bytes at http"), (b"x" * 4_000_000, "has more than 785 bytes at http")],
)
def test_a_file_of_another_size_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    """Too much is not read to its end."""
    with played_hub(config_json=content) as mirror, pytest.raises(DownloadFailed, match=sentence):
        download(wanted_file("config.json"), tmp_path / "file", [mirror.url])


def test_who_was_asked_in_vain_is_named(tmp_path: Path) -> None:
    """Each place with what it said."""
    wanted = Wanted(REPOSITORY, COMMIT, "nothing.bin", "0" * 64, 1)
    with played_hub() as mirror, pytest.raises(DownloadFailed) as failure:
        download(wanted, tmp_path / "file", [NOBODY, mirror.url])
    assert f"{REPOSITORY}/nothing.bin at {COMMIT} could not be had: {NOBODY}/" in str(failure.value)
    assert "404" in str(failure.value)


def test_a_builder_runs_it_with_nothing_installed(tmp_path: Path) -> None:
    """As Nix does: the file by itself, described by the environment; a failure is one sentence and exit status 1."""
    wanted = wanted_file("tokenizer.json")

    def build(sha256: str, mirror: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "repository": wanted.repository,
            "revision": wanted.revision,
            "file": wanted.file,
            "sha256": sha256,
            "size": str(wanted.size),
            "out": str(tmp_path / "out"),
            "COLDSTART_MODEL_MIRROR": mirror,
        }
        command = [sys.executable, "-I", "-S", "-B", str(module.__file__)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    with played_hub() as mirror:
        refused = build("0" * 64, mirror.url)
        built = build(wanted.sha256, mirror.url)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert wanted.sha256 in refused.stderr
    assert "0" * 64 in refused.stderr
    assert (built.returncode, built.stderr) == (0, "")
    assert sha256_of((tmp_path / "out").read_bytes()) == wanted.sha256


def test_a_directory_is_filled_once_and_then_serves(tmp_path: Path) -> None:
    """What `fetch --to` leaves is a mirror; a second run asks nobody, and a changed file is brought again."""
    entry, disk = starter_entry(), tmp_path / "disk"
    with played_hub() as hub:
        environ = {"COLDSTART_MODEL_MIRROR": hub.url}
        assert fetch_into_directory([entry], disk, environ) == 3
        asked = len(hub.asked)
        assert fetch_into_directory([entry], disk, environ) == 0
        assert len(hub.asked) == asked
        changed = disk / REPOSITORY / "resolve" / COMMIT / "config.json"
        changed.write_bytes(b"{}")
        assert fetch_into_directory([entry], disk, environ) == 1
    assert fetch_into_directory([entry], tmp_path / "other", {"COLDSTART_MODEL_MIRROR": f"file://{disk}"}) == 3


def test_a_fetch_of_wrong_bytes_names_the_file(tmp_path: Path) -> None:
    """The command ends with the sentence."""
    with played_hub(model_safetensors=b"0" * 2225536) as hub, pytest.raises(FetchFailed, match=r"model\.safetensors"):
        fetch_into_directory([starter_entry()], tmp_path, {"COLDSTART_MODEL_MIRROR": hub.url})
