"""Entries of the catalogue: written out of a directory or the Hub's API, renewed, refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.harness_hub_doubles import (
    CARD,
    COMMIT,
    FILES,
    POLICY,
    REPOSITORY,
    STARTER,
    catalogue_of,
    played_hub,
    repository_at,
    sha256_of,
    starter_entry,
)

from coldstart_harness.catalogue.adding import (
    Chosen,
    Reference,
    changes_between,
    new_entry,
    reference_of,
    renewed_entry,
)
from coldstart_harness.catalogue.architectures import architecture_of
from coldstart_harness.catalogue.entries import (
    DIRECTORY,
    Entry,
    Policy,
    entry_text,
    load_catalogue,
    read_entry,
    write_entry,
)
from coldstart_harness.catalogue.licenses import check_license, license_of
from coldstart_harness.catalogue.sources import HubSource, NotOnHub, directory_source, git_id_of
from coldstart_harness.errors import UsageError

NOBODY = "http://127.0.0.1:9"
HERE = Path(__file__).parents[2] / DIRECTORY


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """An empty checkout."""
    (tmp_path / DIRECTORY).mkdir(parents=True)
    return tmp_path


def add(top: Path, directory: Path, chosen: Chosen = Chosen("starter"), **catalogue: Any) -> Entry:  # noqa: B008
    source = directory_source(directory, COMMIT, known="computed")
    return new_entry(top, catalogue_of(**catalogue), Reference(REPOSITORY, COMMIT), source, chosen)


def test_a_directory_laid_out_as_a_repository_becomes_an_entry(top: Path) -> None:
    """The files that the conversion reads and no other, with the licence of the card."""
    entry = add(top, repository_at(top / "clone"))
    assert entry == starter_entry()


def test_the_hub_says_the_hashes_of_large_files_and_small_ones_are_fetched(top: Path) -> None:
    """The entry is that of the directory, and says how each hash is known; weights are not downloaded."""
    with played_hub() as hub:
        source = HubSource(REPOSITORY, None, [hub.url], hub.url)
        entry = new_entry(top, catalogue_of(), Reference(REPOSITORY, None), source, Chosen("starter"))
    known = {file: pin.known for file, pin in entry.files.items()}
    assert known == {
        "config.json": "computed",
        "model.safetensors": "stated by the Hub",
        "tokenizer.json": "computed",
    }
    expected = starter_entry()
    assert {file: (pin.sha256, pin.size) for file, pin in entry.files.items()} == {
        file: (pin.sha256, pin.size) for file, pin in expected.files.items()
    }
    assert (entry.revision, entry.license) == (COMMIT, "MIT")
    assert not [path for path in hub.asked if path.endswith("model.safetensors")]


def test_a_small_file_that_the_hub_does_not_state_is_not_pinned() -> None:
    """A mirror could give other bytes of the same size for what has no sha256 yet: git's id tells."""
    content = bytearray((STARTER / "tokenizer.json").read_bytes())
    content[1000] ^= 1
    with played_hub() as hub, played_hub(tokenizer_json=bytes(content)) as mirror:
        source = HubSource(REPOSITORY, None, [mirror.url, hub.url], hub.url)
        with pytest.raises(
            NotOnHub, match=r"tokenizer\.json at c0ffee0+ came with git's id [0-9a-f]{40}; the Hub states"
        ):
            source.pin("tokenizer.json")


def test_gits_id_is_gits() -> None:
    """As `git hash-object` prints it."""
    assert git_id_of(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize("endpoint", [NOBODY, None])
def test_a_hub_that_does_not_know_it_or_does_not_answer_is_named(endpoint: str | None) -> None:
    """One sentence, with what helps where nobody answers."""
    with played_hub() as hub, pytest.raises(NotOnHub) as failure:
        HubSource("nobody/nothing", None, [hub.url], endpoint or hub.url)
    assert "nobody/nothing" in str(failure.value)
    assert ("--from DIR" in str(failure.value)) is (endpoint is not None)


@pytest.mark.parametrize("path", sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def test_every_entry_here_is_in_the_form_that_is_written(path: Path) -> None:
    """So that a program's change is seen as the change of what it changes."""
    entry = read_entry(HERE.parents[2], path.stem)
    assert path.read_text(encoding="utf-8") == entry_text(entry)


def test_nix_hands_over_what_the_checkout_has(tmp_path: Path) -> None:
    """The document that Nix writes is read back, with sets, licences and what builds a volume."""
    entry = json.loads(entry_text(starter_entry()))
    document = {
        "entries": {"starter": entry},
        "sets": {"small": ["starter"]},
        "licenses": {"open": ["MIT"], "refused": [], "accepted": []},
        "volumes": {"starter": "/nix/store/x.drv"},
    }
    (tmp_path / "catalogue.json").write_text(json.dumps(document))
    catalogue = load_catalogue(tmp_path / "catalogue.json")
    assert catalogue.entry("starter") == starter_entry()
    assert (catalogue.sets_of("starter"), catalogue.volumes["starter"]) == (["small"], Path("/nix/store/x.drv"))
    with pytest.raises(UsageError, match="no model 'nobody'; it has: starter"):
        catalogue.entry("nobody")


@pytest.mark.parametrize(
    ("header", "license_"),
    [
        ("license: mit", "MIT"),
        ("license: apache-2.0", "Apache-2.0"),
        ("license: cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("license: gpl-3.0", "GPL-3.0-only"),
        ("license: other\nlicense_name: coqui-cpml", "coqui-cpml"),
    ],
)
def test_the_licence_is_the_one_of_the_cards_header(header: str, license_: str) -> None:
    """In SPDX's spelling where it has one; `other` goes by its name."""
    assert license_of(f"---\n{header}\n---\nlicense: none\n", POLICY) == license_


@pytest.mark.parametrize("card", ["# A model\n", "---\ntags: [a]\n---\n", "---\nlicense: [\n---\n"])
def test_a_card_without_a_licence_asks_for_it(card: str) -> None:
    """Nobody guesses."""
    with pytest.raises(UsageError, match="--license"):
        license_of(card, POLICY)


def test_a_licence_that_is_not_open_must_be_accepted_by_name(top: Path) -> None:
    """The sentence says how; where it was accepted, the entry is written."""
    clone = repository_at(top / "clone", CARD.replace("mit", "other\nlicense_name: coqui-cpml"))
    with pytest.raises(UsageError, match=r'add "coqui-cpml" to acceptedLicenses in flake\.nix \(accepted now: none\)'):
        add(top, clone)
    accepting = replace(POLICY, accepted=("coqui-cpml",))
    assert add(top, clone, policy=accepting).license == "coqui-cpml"


def test_a_refused_licence_is_refused_even_where_it_is_accepted() -> None:
    """As evaluation refuses it; each licence of several counts."""
    policy = Policy(POLICY.open, POLICY.refused, ("CC-BY-NC-4.0",))
    with pytest.raises(UsageError, match=r"license CC-BY-NC-4\.0, which licenses\.toml refuses"):
        check_license("voice", "MIT AND CC-BY-NC-4.0", policy)


def test_a_model_with_parts_has_their_licences_too(top: Path) -> None:
    """Kokoro's phonemes are espeak-ng's, whose licence its artifact carries."""
    clone = repository_at(top / "clone", CARD.replace("mit", "apache-2.0"))
    (clone / "config.json").write_text('{"model_type": "style_text_to_speech_2"}')
    for file in ("onnx/model.onnx", "voices/af_heart.bin", "voices/README.md"):
        (clone / file).parent.mkdir(exist_ok=True)
        (clone / file).write_text(file)
    voice = Entry("starter-voice", "a/b", "GPL-3.0-or-later", "espeak-ng", "text-to-speech", package="espeakng-loader")
    source = directory_source(clone, COMMIT, known="computed")
    entry = new_entry(top, catalogue_of(voice), Reference("o/kokoro", COMMIT), source, Chosen())
    assert (entry.name, entry.license, entry.parts) == (
        "kokoro",
        "Apache-2.0 AND GPL-3.0-or-later",
        ("starter-voice",),
    )
    assert list(entry.files) == ["config.json", "onnx/model.onnx", "tokenizer.json", "voices/af_heart.bin"]


@pytest.mark.parametrize("name", ["gpt2", "kokoro", "whisper-base"])
def test_architectures_are_those_of_the_entries_here(name: str) -> None:
    """What is recognised, and which files are pinned, is what the catalogue has of real models."""
    entry = read_entry(HERE.parents[2], name)
    model_type = {"gpt2": "gpt2", "kokoro": "style_text_to_speech_2"}.get(name)
    config = json.dumps({"model_type": model_type} if model_type else {"lang_ids": []}).encode()
    architecture = architecture_of([*entry.files, "README.md", "merges.txt"], config)
    assert (architecture.name, architecture.task, architecture.parts) == (entry.architecture, entry.task, entry.parts)
    assert architecture.files_among([*entry.files, "README.md", "merges.txt"]) == sorted(entry.files)


def test_what_no_conversion_knows_is_refused() -> None:
    """The sentence has what was met and what is known."""
    with pytest.raises(UsageError, match=r"what config\.json calls 'bert' .*; known architectures: gpt2, whisper"):
        architecture_of(["config.json", "model.safetensors"], b'{"model_type": "bert"}')


def test_a_file_that_the_conversion_needs_must_be_there(top: Path) -> None:
    """It is named."""
    clone = repository_at(top / "clone")
    (clone / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"gpt2 needs tokenizer\.json"):
        add(top, clone)


def test_a_clone_without_its_large_files_is_refused(top: Path) -> None:
    """The hash of Git LFS's pointer is not the model's."""
    clone = repository_at(top / "clone")
    (clone / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(UsageError, match="git lfs pull"):
        add(top, clone)


def test_an_entry_is_not_written_over(top: Path) -> None:
    """`add` of a name that is there says what else there is."""
    write_entry(top, starter_entry())
    with pytest.raises(UsageError, match=r"starter\.json exists: `update starter` renews it"):
        add(top, repository_at(top / "clone"))


@pytest.mark.parametrize("text", ["gpt2", "hf:gpt2", "hf:a/b@", "hf:a/b/c", "https://a/b"])
def test_a_reference_in_another_form_is_refused(text: str) -> None:
    """The wanted form is named."""
    with pytest.raises(UsageError, match="wanted: hf:OWNER/NAME"):
        reference_of(text)


def test_a_reference_may_name_a_revision() -> None:
    """Or leave it to the main branch."""
    assert reference_of("hf:a/b.c@main") == Reference("a/b.c", "main")
    assert reference_of("hf:a/b.c") == Reference("a/b.c", None)


def test_a_directory_must_say_which_commit_it_is(top: Path) -> None:
    """By a person's word, or by its name, as in the Hub's cache."""
    snapshot = repository_at(top / "snapshots" / COMMIT)
    assert directory_source(snapshot, None, known="computed").revision == COMMIT
    with pytest.raises(UsageError, match="give it, as hf:REPO@REV"):
        directory_source(STARTER, None, known="computed")


@pytest.mark.parametrize("revision", ["main", "1", COMMIT[:12]])
def test_what_is_not_the_checkouts_is_pinned_to_a_commit(top: Path, revision: str) -> None:
    """A branch moves; of a directory of the checkout any name will do."""
    write_entry(top, starter_entry())
    source = directory_source(repository_at(top / "clone"), revision, known="computed")
    sentence = f"'{revision}' is no commit; wanted are the 40 hex digits"
    with pytest.raises(UsageError, match=sentence):
        new_entry(top, catalogue_of(), Reference(REPOSITORY, revision), source, Chosen("mine"))
    with pytest.raises(UsageError, match=sentence):
        renewed_entry(top, catalogue_of(), "starter", source)
    here = Chosen("mine", directory="clone")
    assert new_entry(top, catalogue_of(), Reference(REPOSITORY, revision), source, here).revision == revision


def test_an_update_changes_what_has_changed_and_no_more(top: Path) -> None:
    """How a hash is known stays with it; what a person chose and noted stays, too."""
    old = starter_entry(revision="1" * 40, note="By hand.", served_as="gpt2")
    old = replace(old, files={file: replace(pin, known="agreed 3") for file, pin in old.files.items()})
    write_entry(top, old)
    clone = repository_at(top / "clone")
    (clone / "tokenizer.json").write_bytes(b"{}")
    new = renewed_entry(top, catalogue_of(), "starter", directory_source(clone, COMMIT, known="computed"))
    assert {file: pin.known for file, pin in new.files.items()} == dict.fromkeys(FILES, "agreed 3") | {
        "tokenizer.json": "computed"
    }
    assert (new.note, new.served_as, new.revision) == ("By hand.", "gpt2", COMMIT)
    assert new.files["tokenizer.json"].size == 2
    assert changes_between(old, new) == [
        f"revision {'1' * 40} → {COMMIT}",
        f"tokenizer.json {old.files['tokenizer.json'].sha256} → {sha256_of(b'{}')}, 83075 → 2 bytes",
    ]
    assert changes_between(new, new) == []


def test_an_update_may_keep_a_licence_that_the_card_does_not_state(top: Path) -> None:
    """When a person states it again; those of its parts stay with it, and what is refused is refused."""
    voice = Entry("starter-voice", "a/b", "GPL-3.0-or-later", "espeak-ng", "text-to-speech", package="espeakng-loader")
    old = starter_entry(license="Apache-2.0 AND GPL-3.0-or-later", parts=("starter-voice",))
    write_entry(top, old)
    source = directory_source(repository_at(top / "clone"), COMMIT, known="computed")
    assert renewed_entry(top, catalogue_of(voice), "starter", source, "apache-2.0") == old
    with pytest.raises(UsageError, match=r"license CC-BY-NC-4\.0, which licenses\.toml refuses"):
        renewed_entry(top, catalogue_of(voice), "starter", source, "cc-by-nc-4.0")


def test_an_update_whose_licence_is_another_is_refused(top: Path) -> None:
    """Somebody must look."""
    write_entry(top, starter_entry())
    clone = repository_at(top / "clone", CARD.replace("mit", "cc-by-nc-4.0"))
    with pytest.raises(UsageError, match=r"states the license CC-BY-NC-4\.0; the entry has MIT"):
        renewed_entry(top, catalogue_of(), "starter", directory_source(clone, COMMIT, known="computed"))
