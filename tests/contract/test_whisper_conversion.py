"""Conversion of a Whisper: the same bytes every time, a golden answer, and a sentence for what is no Whisper."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.contract.transcriber_cases import Whispers, noise, transcribed

from coldstart.engines.ctranslate2_transcriber import CTranslate2Transcriber
from convert.golden import TooCoarse
from convert.golden_sound import UnfitSound, read_sound, voice_like_sound, write_sound
from convert.random_whisper import write_random_whisper
from convert.whisper import UnsupportedCheckpoint, convert_whisper
from convert.whisper_golden import tolerance_for, write_golden
from convert.whisper_reference import CTranslate2Reference

EXPECTED_FILES = [
    "config.json",
    "golden.json",
    "golden.wav",
    "model.bin",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.json",
]


def digests(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def source_with_sound(whispers: Whispers, directory: Path) -> Path:
    """The published model with a golden.wav beside it: a second of noise."""
    source = directory / "source"
    shutil.copytree(whispers.published, source)
    write_sound((np.random.default_rng(0).integers(-999, 999, 16_000) / 2**15).astype(np.float32), source)
    return source


def test_the_same_model_gives_the_same_bytes(whispers: Whispers, tmp_path: Path) -> None:
    """A second conversion, elsewhere, differs in no byte."""
    again = tmp_path / "again"
    again.mkdir()
    (again / "of_another_conversion.txt").touch()
    convert_whisper(whispers.published, again)
    write_golden(whispers.published, again)
    assert sorted(digests(again)) == EXPECTED_FILES
    assert digests(again) == digests(whispers.multilingual)


def test_no_path_of_the_build_is_in_the_artifact(whispers: Whispers) -> None:
    """Neither the source's nor the output's directory is written into any file."""
    for path in whispers.multilingual.iterdir():
        assert str(whispers.multilingual.parent).encode() not in path.read_bytes()


def test_the_same_seed_gives_the_same_random_whisper(whispers: Whispers, tmp_path: Path) -> None:
    """Another seed gives other weights, and other words."""
    write_random_whisper(tmp_path / "again", "test", 0)
    write_random_whisper(tmp_path / "other", "test", 1)
    assert digests(tmp_path / "again") == digests(whispers.published)
    assert digests(tmp_path / "other")["model.safetensors"] != digests(whispers.published)["model.safetensors"]


@pytest.mark.parametrize(("size", "parameters"), [("tiny", 37_184_640), ("base", 71_825_920)])
def test_random_whispers_have_the_real_sizes(size: str, parameters: int) -> None:
    """As many weights as openai/whisper-tiny and -base have, without their encoder's positions, which are computed."""
    from convert.random_whisper import _DIMENSIONS, _script, _tokenizer, _weights

    rng = np.random.default_rng(0)
    dimensions = _DIMENSIONS[size]  # type: ignore[index]
    tokenizer = _tokenizer(dimensions.merges, english_only=False)
    weights = _weights(dimensions, _script(tokenizer, dimensions, rng, english_only=False), tokenizer, rng)
    weights.pop("model.encoder.embed_positions.weight")
    assert sum(weight.size for weight in weights.values()) == parameters


def test_a_converted_model_is_taken_as_it_is(whispers: Whispers, tmp_path: Path) -> None:
    """A directory in CTranslate2's layout keeps its bytes; its golden answer is that of its own weights in float32."""
    convert_whisper(whispers.english, tmp_path / "out")
    distance = write_golden(whispers.english, tmp_path / "out")
    met, wanted = digests(tmp_path / "out"), digests(whispers.english)
    assert sorted(met) == EXPECTED_FILES
    assert {name: met[name] for name in met if name != "golden.json"} == {
        name: wanted[name] for name in wanted if name not in ("golden.json",)
    } | {"golden.wav": met["golden.wav"]}
    assert 0 < distance < 0.1


def test_a_model_of_an_older_conversion_is_taken(whispers: Whispers, tmp_path: Path) -> None:
    """Its vocabulary is a text, a token has its older name there, and its bands are not told."""
    source = tmp_path / "source"
    shutil.copytree(whispers.multilingual, source)
    tokens = json.loads((source / "vocabulary.json").read_text(encoding="utf-8"))
    text = "".join(f"{token}\n" for token in tokens).replace("<|nospeech|>", "<|nocaptions|>")
    (source / "vocabulary.txt").write_text(text, encoding="utf-8")
    for name in ("vocabulary.json", "preprocessor_config.json", "golden.json", "golden.wav"):
        (source / name).unlink()
    convert_whisper(source, tmp_path / "out")
    assert write_golden(source, tmp_path / "out") < 0.05
    assert (tmp_path / "out" / "vocabulary.txt").is_file()
    engine = CTranslate2Transcriber(tmp_path / "out", threads=2)
    assert len(engine.languages) == 99
    assert transcribed(engine, noise(1)).segments
    engine.close()


def test_the_golden_answer_scores_a_sentence(whispers: Whispers) -> None:
    """Without a sound of its own a model is given one that nobody speaks in, and no transcript."""
    for artifact in (whispers.multilingual, whispers.english):
        golden = json.loads((artifact / "golden.json").read_text())
        assert golden["text"] == " The cat sat on the mat."
        assert len(golden["token_ids"]) == len(golden["log_probabilities"]) > 5
        assert all(value < 0 for value in golden["log_probabilities"])
        assert golden["transcript"] is None
        assert golden["tolerance"]["ctranslate2"] in (0.05, 0.1)


def test_a_sound_of_the_models_own_is_heard(whispers: Whispers, tmp_path: Path) -> None:
    """golden.wav beside the weights is the sound, and what float32 hears in it is the transcript."""
    source = source_with_sound(whispers, tmp_path)
    convert_whisper(source, tmp_path / "out")
    write_golden(source, tmp_path / "out")
    golden = json.loads((tmp_path / "out" / "golden.json").read_text())
    assert len(golden["transcript"].split()) == 6
    assert golden["text"] == f" {golden['transcript']}"
    assert (tmp_path / "out" / "golden.wav").read_bytes() == (source / "golden.wav").read_bytes()


@pytest.mark.parametrize(("distance", "tolerance"), [(0.0, 0.05), (0.025, 0.05), (0.026, 0.1), (0.2, 0.4)])
def test_the_tolerance_is_twice_what_int8_costs(distance: float, tolerance: float) -> None:
    """A model is allowed the smallest step that leaves half of it for other machines."""
    assert tolerance_for(distance) == tolerance


def test_a_model_that_does_not_bear_int8_is_refused() -> None:
    """Nothing is served whose answer quantisation has changed beyond recognition."""
    with pytest.raises(TooCoarse, match=r"0\.2010 a token.*does not bear int8"):
        tolerance_for(0.201)


def test_int8_that_hears_something_else_is_refused(
    whispers: Whispers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of a sound of the model's own are what callers will see."""
    source = source_with_sound(whispers, tmp_path)
    convert_whisper(source, tmp_path / "out")
    monkeypatch.setattr(CTranslate2Reference, "transcript_as_served", lambda _self, _heard: [])
    with pytest.raises(TooCoarse, match=r"int8 hears '' in golden\.wav, float32 hears"):
        write_golden(source, tmp_path / "out")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"])
def test_a_missing_file_is_named(whispers: Whispers, tmp_path: Path, name: str) -> None:
    """It is not looked for anywhere else."""
    source = tmp_path / "source"
    shutil.copytree(whispers.published, source)
    (source / name).unlink()
    with pytest.raises(UnsupportedCheckpoint, match=name):
        convert_whisper(source, tmp_path / "out")


def test_another_architecture_is_named(whispers: Whispers, tmp_path: Path) -> None:
    """A configuration of something else is refused with what was met."""
    source = tmp_path / "source"
    shutil.copytree(whispers.published, source)
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"model_type": "bart"}))
    with pytest.raises(UnsupportedCheckpoint, match="'bart'"):
        convert_whisper(source, tmp_path / "out")


def test_a_tokenizer_of_another_model_is_refused(whispers: Whispers, tmp_path: Path) -> None:
    """Its ids are not those of the weights, and every text would be another."""
    source = tmp_path / "source"
    shutil.copytree(whispers.english, source)
    shutil.copyfile(whispers.multilingual / "tokenizer.json", source / "tokenizer.json")
    with pytest.raises(UnsupportedCheckpoint, match=r"tokenizer\.json has token"):
        convert_whisper(source, tmp_path / "out")


def test_a_golden_sound_survives_its_file(tmp_path: Path) -> None:
    """What the reference hears is what the server will read."""
    write_sound(voice_like_sound(), tmp_path)
    assert np.array_equal(read_sound(tmp_path / "golden.wav"), voice_like_sound())
    assert 0.4 < np.abs(voice_like_sound()).max() <= 0.5


def test_a_golden_sound_is_short(tmp_path: Path) -> None:
    """It is heard at each start."""
    write_sound(np.zeros(16_000 * 11, np.float32), tmp_path)
    with pytest.raises(UnfitSound, match="11 s"):
        read_sound(tmp_path / "golden.wav")
