"""The kokoro engine, with small weights of the real form and the real espeak-ng."""

import json
from collections.abc import Iterator
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
import structlog
from tests.contract.toy_kokoro import SAMPLES_A_FRAME, VOCABULARY, voice_bytes, write_toy_kokoro

from coldstart.domain.errors import EngineFailed, InvalidInput
from coldstart.domain.speech import SpeechRequest
from coldstart.engines.kokoro_synthesizer import KokoroSynthesizer, Sound
from coldstart.engines.kokoro_voices import MOST_ADDED, read_voices
from convert.espeak_ng import GOLDEN_TEXT
from convert.kokoro import convert_kokoro
from convert.kokoro_golden import GOLDEN_SYMBOLS

PACKAGES = Path(espeakng_loader.__file__).parents[1]
TEXT = "Hello, world."
LONG_TEXT = "the quick brown fox jumps over the lazy dog, and so on and on; " * 20


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("kokoro")
    write_toy_kokoro(directory / "published")
    convert_kokoro(directory / "published", PACKAGES, directory / "artifact")
    return directory / "artifact"


@pytest.fixture(scope="module")
def engine(artifact: Path) -> Iterator[KokoroSynthesizer]:
    built = KokoroSynthesizer(artifact, threads=1)
    yield built
    built.close()


def say(engine: KokoroSynthesizer, text: str, voice: str = "af_heart", speed: float = 1.0) -> Sound:
    (sound,) = engine.advance([SpeechRequest(text, voice, speed)])
    assert sound is not None
    return sound


def frames_of(symbols: str) -> int:
    """How long the toy sounds: see `toy_kokoro`."""
    return sum(1 + VOCABULARY[symbol] % 3 for symbol in ("$", *symbols, "$"))


def test_golden_text_is_read_as_the_conversion_says(engine: KokoroSynthesizer) -> None:
    """Text analysis gives the symbols by which the golden sentence is made at build time."""
    assert say(engine, GOLDEN_TEXT).size == frames_of(GOLDEN_SYMBOLS) * SAMPLES_A_FRAME


def test_model_gets_every_symbol_between_two_pads(engine: KokoroSynthesizer) -> None:
    """ "Hello, world." in the signs of the training data, punctuation in place."""
    assert say(engine, TEXT).size == frames_of("həlˈO, wˈɜɹld.") * SAMPLES_A_FRAME


def test_british_voice_speaks_british(engine: KokoroSynthesizer) -> None:
    """A voice's first letter chooses the phonemes."""
    assert say(engine, TEXT, "bf_emma").size == frames_of("həlˈQ, wˈɜːld.") * SAMPLES_A_FRAME


def test_style_is_the_row_of_the_number_of_symbols(artifact: Path, engine: KokoroSynthesizer) -> None:
    """Row n − 1 of the voice is for n symbols; the toy's loudness tells which it was given."""
    styles = np.fromfile(artifact / "voices" / "am_michael.bin", dtype="<f4").reshape(510, 256)
    loudness = 1 / (1 + np.exp(-styles[len("həlˈO, wˈɜɹld.") - 1].mean(dtype=np.float64)))
    assert np.abs(say(engine, TEXT, "am_michael")).max() == pytest.approx(loudness, rel=1e-3)


def test_default_voice_comes_first_and_names_tell_language_and_gender(engine: KokoroSynthesizer) -> None:
    """Kokoro's own default, then by name."""
    assert [(voice.name, voice.language, voice.description) for voice in engine.voices] == [
        ("af_heart", "en-us", "American English, female"),
        ("af_bella", "en-us", "American English, female"),
        ("am_michael", "en-us", "American English, male"),
        ("bf_emma", "en-gb", "British English, female"),
    ]


def test_unknown_voice_names_the_voices(engine: KokoroSynthesizer) -> None:
    """The caller can choose another."""
    with pytest.raises(InvalidInput, match=r"'zf_xiaoni'; there are: .*af_heart"):
        say(engine, TEXT, "zf_xiaoni")


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_long_texts_are_cut_and_joined(engine: KokoroSynthesizer, speed: float) -> None:
    """A text of more symbols than a run takes is said whole, at any speed."""
    once = say(engine, LONG_TEXT[: len(LONG_TEXT) // 20].rstrip(), speed=speed).size
    assert say(engine, LONG_TEXT, speed=speed).size == pytest.approx(20 * once, rel=0.1)


def test_unknown_symbols_are_dropped_and_counted(artifact: Path, tmp_path: Path) -> None:
    """A sign that the model has none of is left out, counted, and told once in the log, without the text."""
    tokenizer = json.loads((artifact / "tokenizer.json").read_text(encoding="utf-8"))
    del tokenizer["model"]["vocab"]["l"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    for name in ("model.onnx", "voices", "espeak-ng"):
        (tmp_path / name).symlink_to(artifact / name)
    engine = KokoroSynthesizer(tmp_path, threads=1)
    with structlog.testing.capture_logs() as logs:
        sounds = [say(engine, TEXT) for _ in range(2)]
    engine.close()
    assert [sound.size for sound in sounds] == [frames_of("həˈO, wˈɜɹd.") * SAMPLES_A_FRAME] * 2
    assert engine.dropped_symbols == {"l": 4}
    assert logs == [{"event": "symbol_dropped", "log_level": "warning", "symbol": "U+006C"}]


def test_closed_engine_says_so(artifact: Path) -> None:
    """Instead of breaking somewhere within."""
    engine = KokoroSynthesizer(artifact, threads=1)
    engine.close()
    with pytest.raises(EngineFailed):
        say(engine, TEXT)


def test_added_voices_are_offered_after_the_models_own(artifact: Path, tmp_path: Path) -> None:
    """A directory of files of the right form is all that a new voice takes."""
    (tmp_path / "ff_siwis.bin").write_bytes(voice_bytes(7))
    engine = KokoroSynthesizer(artifact, threads=1, added_voices=tmp_path)
    assert engine.voices[-1].name == "ff_siwis"
    assert engine.voices[-1].language == "fr"
    assert say(engine, "Bonjour.", "ff_siwis").size > 0
    assert engine.refused_voices == ()
    engine.close()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("af_short", b"\0" * 100, "it has 100 bytes; a voice has 522240"),
        ("af_heart", voice_bytes(1), "there is a voice 'af_heart' already"),
        ("af_nan", np.full((510, 256), np.nan, dtype="<f4").tobytes(), "not finite"),
        ("jf_alpha", voice_bytes(1), "Japanese cannot be spoken here"),
        ("xf_other", voice_bytes(1), "a language 'x' cannot be spoken here"),
        ("heart", voice_bytes(1), "its name is 'heart'"),
    ],
)
def test_files_that_are_no_voice_are_refused_with_a_sentence(
    artifact: Path, tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    """The engine serves without them, and says why in the log and to whoever asks for the voices."""
    (tmp_path / f"{name}.bin").write_bytes(data)
    with structlog.testing.capture_logs() as logs:
        engine = KokoroSynthesizer(artifact, threads=1, added_voices=tmp_path)
    engine.close()
    (sentence,) = engine.refused_voices
    assert reason in sentence
    assert f"{name}.bin" in sentence
    assert [log["reason"] for log in logs if log["event"] == "voice_refused"] == [sentence]
    assert len(engine.voices) == 4


def test_number_of_added_voices_is_bounded(artifact: Path, tmp_path: Path) -> None:
    """A directory of thousands does not fill the memory."""
    data = voice_bytes(1)
    for number in range(MOST_ADDED + 1):
        (tmp_path / f"af_{number:03}.bin").write_bytes(data)
    voices = read_voices(artifact / "voices", tmp_path)
    assert list(voices.refused) == [f"af_{MOST_ADDED:03}.bin"]


def test_missing_directory_of_added_voices_is_none(artifact: Path, tmp_path: Path) -> None:
    """The volume is optional."""
    voices = read_voices(artifact / "voices", tmp_path / "nowhere")
    assert len(voices.voices) == 4
    assert voices.refused == {}


@pytest.mark.parametrize("lacking", ["tokenizer.json", "model.onnx", "voices"])
def test_incomplete_artifact_is_refused(artifact: Path, tmp_path: Path, lacking: str) -> None:
    """With one sentence, not a traceback of a library."""
    for name in {"tokenizer.json", "model.onnx", "voices", "espeak-ng"} - {lacking}:
        (tmp_path / name).symlink_to(artifact / name)
    with pytest.raises(EngineFailed, match=lacking):
        KokoroSynthesizer(tmp_path, threads=1)
