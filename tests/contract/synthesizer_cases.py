"""The voices under contract. A new engine is one more row of SYNTHESIZER_CASES."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
from tests.contract.toy_kokoro import write_toy_kokoro

from coldstart.domain.speech import SpeechSynthesizer
from convert.espeak_ng import convert_espeak_ng
from convert.kokoro import convert_kokoro

# Where espeakng-loader is installed.
PACKAGES = Path(espeakng_loader.__file__).parents[1]


@dataclass(frozen=True, slots=True)
class SynthesizerCase:
    """One engine.

    Args:
        build: makes its artifact in an empty directory, and the engine of it.
    """

    name: str
    build: Callable[[Path], SpeechSynthesizer]


def _espeak_ng(directory: Path) -> SpeechSynthesizer:
    from coldstart.engines.espeak_synthesizer import EspeakSynthesizer

    convert_espeak_ng(PACKAGES, directory)
    return EspeakSynthesizer(directory)


def _kokoro(directory: Path) -> SpeechSynthesizer:
    from coldstart.engines.kokoro_synthesizer import KokoroSynthesizer

    write_toy_kokoro(directory / "published")
    convert_kokoro(directory / "published", PACKAGES, directory / "artifact")
    return KokoroSynthesizer(directory / "artifact", threads=1)


SYNTHESIZER_CASES = (SynthesizerCase("espeak-ng", _espeak_ng), SynthesizerCase("kokoro", _kokoro))
