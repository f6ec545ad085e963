"""espeak-ng: its process, what the conversion makes, and that it says what it should."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog
from numpy.typing import NDArray
from tests.contract.engine_cases import convert
from tests.contract.synthesizer_cases import PACKAGES
from tests.polling import until

from coldstart.domain.errors import EngineFailed
from coldstart.domain.speech import SpeechRequest
from coldstart.engines.espeak_process import EspeakProcess
from coldstart.engines.espeak_synthesizer import EspeakSynthesizer
from coldstart.services.speech_golden import distance
from convert.espeak_ng import LANGUAGES, UnusablePackage, convert_espeak_ng

TEXT = "The cat sat on the mat."
NORMAL_WPM = 175


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("espeak-ng")
    convert("espeak-ng", PACKAGES, directory)
    return directory


@pytest.fixture
def process(artifact: Path) -> Iterator[EspeakProcess]:
    process = EspeakProcess(artifact)
    yield process
    process.close()


def test_conversion_gives_the_same_bytes_twice(artifact: Path, tmp_path: Path) -> None:
    """Whenever and wherever it runs."""
    convert("espeak-ng", PACKAGES, tmp_path)
    files = sorted(path.relative_to(artifact) for path in artifact.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert [path for path in files if (artifact / path).read_bytes() != (tmp_path / path).read_bytes()] == []


def test_the_licence_and_the_way_to_the_source_are_there(artifact: Path) -> None:
    """As the licence asks of whoever hands the library on."""
    licence = (artifact / "COPYING").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in licence
    assert "Version 3, 29 June 2007" in licence
    source = (artifact / "SOURCE").read_text()
    assert "espeak-ng 1.52" in source
    assert "https://github.com/espeak-ng/espeak-ng" in source


def test_a_directory_without_the_package_is_refused(tmp_path: Path) -> None:
    """With what was looked for."""
    with pytest.raises(UnusablePackage, match=r"has no libespeak-ng\.so; the package espeakng-loader was expected"):
        convert_espeak_ng(tmp_path, tmp_path / "out")


def test_the_golden_sentence_is_met_again_and_again(artifact: Path) -> None:
    """With room to the tolerance; another voice, speed or word is beyond it."""
    golden = json.loads((artifact / "golden.json").read_bytes())
    tolerance = golden["tolerance"]["espeak-ng"]
    engine = EspeakSynthesizer(artifact)

    def met(voice: str = golden["voice"], speed: float = 1.0, text: str = golden["text"]) -> float:
        (sound,) = engine.advance([SpeechRequest(text, voice, speed)])
        assert sound is not None
        duration_s = sound.size / engine.sample_rate_hz
        return distance(sound, duration_s, np.array(golden["levels"]), golden["duration_s"])

    try:
        assert max(met() for _ in range(50)) < tolerance / 2
        others = [met(voice="en-us-woman"), met(voice="en-gb"), met(speed=1.1), met(text="The cat sat on a mat.")]
        assert min(others) > tolerance
    finally:
        engine.close()


def test_languages_and_voices_differ(artifact: Path) -> None:
    """A woman's voice is not the man's, nor a language the first one: espeak-ng says nothing of a missing variant."""
    engine = EspeakSynthesizer(artifact)

    def said(voice: str) -> NDArray[np.float32]:
        (sound,) = engine.advance([SpeechRequest("Adelaide no banana 7 12", voice)])
        assert sound is not None
        return sound

    try:
        first = said(LANGUAGES[0].tag)
        assert [voice.name for voice in engine.voices[::2]] == [language.tag for language in LANGUAGES]
        for language in LANGUAGES:
            own = said(language.tag)
            assert difference(own, said(language.tag)) < 0.06, language
            assert difference(own, said(f"{language.tag}-woman")) > 0.1, language
            assert language is LANGUAGES[0] or difference(own, first) > 0.1, language
    finally:
        engine.close()


def difference(sound: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """As the golden check has it."""
    levels = np.array([np.sqrt(np.mean(part.astype(np.float64) ** 2)) for part in np.array_split(other, 16)])
    return distance(sound, sound.size, levels, other.size)


def test_speed_keeps_the_pitch(process: EspeakProcess) -> None:
    """Slow and fast speech have their tones where normal speech has them, on average."""
    peaks = []
    for rate_wpm in (NORMAL_WPM // 4, NORMAL_WPM, NORMAL_WPM * 4):
        samples = np.frombuffer(process.speak("aaaa", "en-us", rate_wpm), "<i2").astype(np.float64)
        spectrum = np.abs(np.fft.rfft(samples))
        frequencies = np.fft.rfftfreq(samples.size, 1 / process.sample_rate_hz)
        low = (frequencies > 60) & (frequencies < 400)
        peaks.append(float((frequencies[low] * spectrum[low]).sum() / spectrum[low].sum()))
    assert max(peaks) / min(peaks) < 1.3, peaks


def test_phonemes_are_ipa(process: EspeakProcess) -> None:
    """Without punctuation and language marks; several letters of one phoneme are tied."""
    assert process.phonemes("chair", "en-us") == "t͡ʃˈɛ͡ɹ"
    assert process.phonemes("Hello, world!", "en-us") == "həlˈo͡ʊ wˈɜːld"
    assert "(" not in process.phonemes("weekend", "fr")


@pytest.mark.parametrize("language", ["en-us", "en-gb", "es", "fr-fr", "it", "pt-br"])
def test_languages_are_found_by_their_tags(process: EspeakProcess, language: str) -> None:
    """Those that Kokoro speaks, too."""
    assert process.phonemes("casa", language)


def test_a_voice_that_is_not_there_is_an_error(process: EspeakProcess) -> None:
    """And not the voice before; the process lives on."""
    pid = process.pid
    with pytest.raises(EngineFailed, match="espeak-ng has no voice 'xx'"):
        process.speak(TEXT, "xx", NORMAL_WPM)
    assert process.speak(TEXT, "en-us", NORMAL_WPM)
    assert process.pid == pid


def test_a_process_that_was_killed_is_started_again(process: EspeakProcess) -> None:
    """Its next text is said all the same, and the log tells it, without the text."""
    before = process.pid
    os.kill(before, signal.SIGKILL)
    with structlog.testing.capture_logs() as log:
        assert process.speak(TEXT, "en-us", NORMAL_WPM)
    assert process.pid != before
    assert [(line["event"], line["exit_status"]) for line in log] == [("espeak_starts_again", -signal.SIGKILL)]
    assert TEXT not in str(log)


def test_a_process_that_hangs_is_ended(artifact: Path) -> None:
    """After the time it is given; the text fails, and the next is said by another process."""
    process = EspeakProcess(artifact, timeout_s=5.0)
    try:
        before = process.pid
        os.kill(before, signal.SIGSTOP)
        process._timeout_s = 0.2
        with pytest.raises(EngineFailed, match=r"gave no answer within 0\.2 s"):
            process.speak(TEXT, "en-us", NORMAL_WPM)
        process._timeout_s = 5.0
        assert process.speak(TEXT, "en-us", NORMAL_WPM)
        assert process.pid != before
    finally:
        process.close()


def test_a_process_that_cannot_start_says_why(artifact: Path, tmp_path: Path) -> None:
    """No library, or a library without its data."""
    with pytest.raises(EngineFailed, match=r"libespeak-ng\.so"):
        EspeakProcess(tmp_path)
    shutil.copyfile(artifact / "libespeak-ng.so", tmp_path / "libespeak-ng.so")
    with pytest.raises(EngineFailed, match="espeak-ng does not start with the data in"):
        EspeakProcess(tmp_path)


def test_a_text_too_long_for_the_pipe_is_refused(process: EspeakProcess) -> None:
    """Before it is written, for nobody may be there to read it."""
    with pytest.raises(EngineFailed, match="espeak-ng takes up to 60000"):
        process.speak("w" * 70_000, "en-us", NORMAL_WPM)


async def test_closing_ends_the_process(artifact: Path) -> None:
    """At once, and in order."""
    process = EspeakProcess(artifact)
    process.close()
    await until(lambda: not _lives(process.pid))


async def test_the_end_of_the_server_ends_the_process(artifact: Path) -> None:
    """However it ends."""
    program = (
        "import os, sys; from pathlib import Path; from coldstart.engines.espeak_process import EspeakProcess\n"
        "print(EspeakProcess(Path(sys.argv[1])).pid, flush=True); os.kill(os.getpid(), 9)"
    )
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(artifact)),
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await server.communicate()
    await until(lambda: not _lives(int(out)))


def test_a_long_path_that_is_read_only_will_do(artifact: Path, tmp_path: Path) -> None:
    """The library itself takes 160 characters."""
    directory = tmp_path / ("d" * 100) / ("e" * 100)
    shutil.copytree(artifact, directory)
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    process = EspeakProcess(directory)
    assert process.speak(TEXT, "en-us", NORMAL_WPM)
    process.close()


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
