"""The commands on the catalogue: what they print and write, and their exit status."""

import json
from pathlib import Path

import pytest
from tests.unit.harness_hub_doubles import COMMIT, REPOSITORY, STARTER, played_hub, repository_at, starter_entry
from typer.testing import CliRunner, Result

from coldstart_harness import cli_models
from coldstart_harness.catalogue import fetching
from coldstart_harness.catalogue.entries import DIRECTORY, Entry, entry_text, read_entry, write_entry
from coldstart_harness.cli import app
from coldstart_harness.errors import ServiceFailed, UsageError


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without git and without a Nix store, whose catalogue Nix has written."""
    (tmp_path / DIRECTORY).mkdir(parents=True)
    document = {
        "entries": {"starter": json.loads(entry_text(starter_entry()))},
        "sets": {"small": ["starter"]},
        "licenses": {"open": ["MIT"], "refused": [], "accepted": []},
        "volumes": {},
    }
    (tmp_path / "catalogue.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSTART_CATALOGUE", str(tmp_path / "catalogue.json"))
    monkeypatch.setattr(cli_models, "_tell_git", lambda _path: None)
    monkeypatch.setattr(cli_models, "_roots", lambda: tmp_path / "roots")
    return tmp_path


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Entry], Path | None]]:
    """What was put into the store."""
    calls: list[tuple[list[Entry], Path | None]] = []

    def put(entries: list[Entry], _roots: Path, source: Path | None) -> int:
        calls.append((entries, source))
        return 3

    monkeypatch.setattr(fetching, "fetch_into_store", put)
    return calls


def models(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["models", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_list_has_every_model_with_its_size_and_licence(top: Path) -> None:
    """And what they weigh together."""
    lines = models("list").output.splitlines()
    assert lines[0].split() == ["model", "sets", "task", "architecture", "revision", "files", "size", "licence"]
    assert lines[1].split() == ["starter", "small", "next-token", "gpt2", COMMIT[:12], "3", "2.31", "MB", "MIT"]
    assert lines[-1].split() == ["all", "3", "2.31", "MB"]


def test_show_has_every_file_with_its_hash(top: Path) -> None:
    """And where the Hub has it."""
    output = models("show", "starter").output
    assert f"repository: {REPOSITORY}" in output
    for file, pin in starter_entry().files.items():
        assert pin.sha256 in output
        assert f"https://huggingface.co/{REPOSITORY}/resolve/{COMMIT}/{file}" in output


def test_verify_says_by_its_exit_status_whether_all_is_right(top: Path) -> None:
    """0 or 1, with a line a model or a problem."""
    clone = repository_at(top / "clone")
    assert models("verify", clone, "--model", "starter").exit_code == 0
    (clone / "config.json").write_text("{}")
    result = models("verify", clone, "--model", "starter")
    assert result.exit_code == 1
    assert f"starter: {clone}/config.json has sha256 " in result.output


def test_verify_of_what_has_no_models_says_so(top: Path) -> None:
    """Rather than end without a line."""
    (top / "volume").mkdir()
    (top / "volume" / "models.json").write_text('{"schema_version": 1, "models": []}')
    with pytest.raises(ServiceFailed, match="volume names no models"):
        models("verify", top / "volume")


def test_add_writes_an_entry_and_brings_its_files(top: Path, stored: list[tuple[list[Entry], Path | None]]) -> None:
    """A directory elsewhere: pinned as the Hub's, and what was given is built from."""
    clone = repository_at(top.parent / f"{top.name}-clone")
    result = models("add", f"hf:{REPOSITORY}@{COMMIT}", "--from", clone, "--name", "mine")
    entry = read_entry(top, "mine")
    assert entry == starter_entry(name="mine")
    assert stored == [([entry], clone)]
    assert f"written: {DIRECTORY}/mine.json" in result.output
    assert "licence: MIT" in result.output


def test_add_of_a_directory_of_the_checkout_leaves_its_files_there(
    top: Path, stored: list[tuple[list[Entry], Path | None]]
) -> None:
    """As the starter models are: made here, and nothing is fetched for them."""
    repository_at(top / "models" / "mine", card=None)
    models("add", f"hf:{REPOSITORY}@1", "--from", "models/mine", "--name", "mine", "--license", "mit")
    entry = read_entry(top, "mine")
    assert (entry.directory, entry.revision, entry.license) == ("models/mine", "1", "MIT")
    assert {pin.known for pin in entry.files.values()} == {"made here"}
    assert stored == []


def test_update_of_what_has_not_changed_writes_nothing(top: Path) -> None:
    """It says so."""
    path = top / DIRECTORY / "starter.json"
    path.write_text(entry_text(starter_entry()) + "\n")
    assert models("update", f"starter@{COMMIT}", "--from", STARTER).output == "starter is as the catalogue says\n"
    assert path.read_text().endswith("\n\n")


def test_update_takes_the_licence_that_a_person_states(
    top: Path, stored: list[tuple[list[Entry], Path | None]]
) -> None:
    """Where the card has another; the entry has it then, though nothing else has changed."""
    write_entry(top, starter_entry(license="Apache-2.0"))
    clone = repository_at(top / "clone")
    with pytest.raises(UsageError, match="give it with --license"):
        models("update", f"starter@{COMMIT}", "--from", clone)
    output = models("update", f"starter@{COMMIT}", "--from", clone, "--license", "mit").output
    assert "license Apache-2.0 → MIT" in output
    assert read_entry(top, "starter") == starter_entry()
    assert stored == [([starter_entry()], clone)]


def test_fetch_fills_a_directory(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a mirror, once."""
    with played_hub() as hub:
        monkeypatch.setenv("COLDSTART_MODEL_MIRROR", hub.url)
        assert "3 of 3 files brought, 0 were there" in models("fetch", "starter", "--to", top / "disk").output
        assert "0 of 3 files brought, 3 were there" in models("fetch", "starter", "--to", top / "disk").output
    assert models("verify", top / "disk").exit_code == 0


def test_a_command_outside_a_checkout_says_so(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked of anybody."""
    monkeypatch.chdir("/")
    with pytest.raises(UsageError, match="from the top of the checkout"):
        models("update", "starter", "--from", STARTER)
