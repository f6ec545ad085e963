"""The voices under contract. A new engine is one more row of SYNTHESIZER_CASES."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader

from coldstart.domain.speech import SpeechSynthesizer
from convert.espeak_ng import convert_espeak_ng

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


SYNTHESIZER_CASES = (SynthesizerCase("espeak-ng", _espeak_ng),)
