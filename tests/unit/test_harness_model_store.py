"""Model files in the Nix store: where they go, what keeps them, and what is not let in."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.unit.harness_hub_doubles import FILES, played_hub, repository_at, sha256_of, starter_entry

from coldstart_harness import nix
from coldstart_harness.catalogue import fetching
from coldstart_harness.catalogue.fetching import FetchFailed, fetch_into_store
from coldstart_harness.process import Finished


class Store:
    """Stands in for `nix-store`: a file's place is its hash and its name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.held: dict[Path, bytes] = {}
        self.kept: set[Path] = set()

    def __call__(self, command: Sequence[str | Path]) -> Finished:
        _program, action, *rest = map(str, command)
        if action == "--print-fixed-path":
            return Finished(0, f"{self._place(rest[1], rest[2])}\n", "")
        if action == "--add-fixed":
            content = Path(rest[1]).read_bytes()
            place = self._place(sha256_of(content), Path(rest[1]).name)
            self.held[place] = content
            return Finished(0, f"{place}\n", "")
        assert (action, rest[1], rest[3]) == ("--realise", "--add-root", "--indirect")
        Path(rest[2]).symlink_to(rest[0])
        self.kept.add(Path(rest[0]))
        return Finished(0, f"{rest[2]}\n", "")

    def _place(self, sha256: str, name: str) -> Path:
        return self.directory / f"{sha256}-{name}"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store(tmp_path / "store")
    monkeypatch.setattr(fetching, "answer", store)
    monkeypatch.setattr(nix, "invalid_among", lambda paths: {path for path in paths if path not in store.held})
    return store


def test_files_go_where_their_builds_look_and_are_kept(tmp_path: Path, store: Store) -> None:
    """From a mirror, each under its own name, once; a second run asks nobody."""
    entry, roots = starter_entry(), tmp_path / "roots"
    wanted = {store.directory / f"{entry.files[file].sha256}-{file}" for file in FILES}
    with played_hub() as hub:
        environ = {"COLDSTART_MODEL_MIRROR": hub.url}
        assert fetch_into_store([entry], roots, environ=environ) == 3
        asked = len(hub.asked)
        assert fetch_into_store([entry], roots, environ=environ) == 0
        assert len(hub.asked) == asked
    assert set(store.held) == store.kept == wanted
    assert {root.readlink() for root in roots.iterdir()} == wanted


def test_a_directory_with_other_bytes_is_not_let_in(tmp_path: Path, store: Store) -> None:
    """The sentence has the file and both hashes."""
    clone = repository_at(tmp_path / "clone")
    (clone / "config.json").write_bytes(b"{}")
    entry = starter_entry()
    with pytest.raises(FetchFailed) as failure:
        fetch_into_store([entry], tmp_path / "roots", clone)
    assert f"{clone}/config.json has sha256 {sha256_of(b'{}')}" in str(failure.value)
    assert entry.files["config.json"].sha256 in str(failure.value)
    assert not [place for place in store.held if place.name.endswith("config.json")]
