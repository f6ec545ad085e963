"""Sound files are read by their content: what is heard in each, and what a refusal says."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.sound_cases import CASES, Case, Heard, Refused
from tests.sounds import PEAK, TONE_HZ, encoded, level_of, tone, wav

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput, PayloadTooLarge
from coldstart.engines import pyav_input
from coldstart.engines.pyav_audio import PyAvDecoder

pytestmark = pytest.mark.timeout(60)


def cases_that_are(kind: type[Heard] | type[Refused]) -> list[object]:
    return [pytest.param(case, id=case.name.replace(" ", "-")) for case in CASES if isinstance(case.then, kind)]


@pytest.mark.parametrize("case", cases_that_are(Heard))
def test_a_sound_is_heard(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    """Of its length and level, as finite float32 in [-1, 1]; nothing is told on stdout or stderr."""
    assert isinstance(case.then, Heard)
    samples = PyAvDecoder().decode(case.make(), max_s=case.max_s)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
    assert samples.size / SPEECH_RATE_HZ == pytest.approx(case.then.seconds, abs=case.then.tolerance_s)
    assert level_of(samples) == pytest.approx(case.then.level, rel=0.1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("case", cases_that_are(Refused))
def test_a_bad_file_is_refused_with_what_is_wrong(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    """One sentence that names what was met; nothing is told on stdout or stderr."""
    assert isinstance(case.then, Refused)
    data = case.make()
    with pytest.raises(case.then.error) as raised:
        PyAvDecoder().decode(data, max_s=case.max_s)
    assert all(word in str(raised.value) for word in case.then.words), str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_the_right_pitch_is_heard() -> None:
    """A tone is the same tone after resampling, without a beginning or an end that is not its own."""
    samples = PyAvDecoder().decode(wav(tone(2.0, 48_000), 48_000), max_s=10.0)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * SPEECH_RATE_HZ / samples.size == pytest.approx(TONE_HZ, abs=1.0)
    assert np.abs(samples).max() == pytest.approx(PEAK, rel=0.05)


def test_samples_at_the_rate_of_speech_are_kept() -> None:
    """16 bits at 16 kHz come through as they are."""
    expected = np.round(tone()[0] * 32767) / 32768
    np.testing.assert_allclose(PyAvDecoder().decode(wav(tone()), max_s=10.0), expected, atol=1e-6)


def test_reading_stops_at_the_longest_sound() -> None:
    """What comes after it is not looked at, or it would be found broken."""
    samples = tone(30.0)
    samples[0, -1] = np.nan
    with pytest.raises(PayloadTooLarge, match="longer than 2 s"):
        PyAvDecoder().decode(wav(samples, form="f32"), max_s=2.0)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
    ],
)
def test_no_other_file_is_read(text: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even by a file that is not known for what it is: ffmpeg itself may open none of these kinds."""
    monkeypatch.setattr(pyav_input, "kind_of", lambda _: None)
    data = text.format(path=f"{tmp_path}/sound.wav").encode()
    with pytest.raises(InvalidInput, match="no known sound format"):
        PyAvDecoder().decode(data, max_s=10.0)


def test_several_threads_decode_at_once() -> None:
    """Each hears its own file."""
    files = [encoded("ogg", "libopus", seconds) for seconds in (0.5, 1.0, 1.5, 2.0)] * 4
    with ThreadPoolExecutor(4) as threads:
        lengths = list(threads.map(lambda data: PyAvDecoder().decode(data, max_s=10.0).size, files))
    assert [round(length / SPEECH_RATE_HZ, 1) for length in lengths] == [0.5, 1.0, 1.5, 2.0] * 4


def test_a_small_file_cannot_claim_much_memory() -> None:
    """An index of gigabytes is refused before it is built; in a process of its own, whose peak is known."""
    script = """
import resource
from tests.sounds import mp4_of_many_samples
from coldstart.domain.errors import InvalidInput
from coldstart.engines.pyav_audio import PyAvDecoder

def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before = peak_bytes()
try:
    PyAvDecoder().decode(mp4_of_many_samples(80_000_000), max_s=10.0)
except InvalidInput:
    print(peak_bytes() - before)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, check=True)  # noqa: S603
    assert int(done.stdout) < 200_000_000
    assert done.stderr == ""
