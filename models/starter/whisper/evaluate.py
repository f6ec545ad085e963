"""Measure the starter speech recogniser: `PYTHONPATH=models python -m starter.whisper.evaluate DIR --espeak DIR`.

The directory holds the model in CTranslate2's form. Prints as JSON what faster-whisper, int8, makes of voices and rates
that the training never heard, and of silence and noise. Some minutes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from starter.whisper.speaker import DIGITS, SAMPLE_RATE_HZ, Speaker, Utterance, Word, in_silence
from starter.whisper.speech import HELD_OUT, TRAINING, recorded, utterances

SEED = 20260103
_LONG_S = (25.0, 75.0)


def heard_in(model: WhisperModel, samples: NDArray[np.float32]) -> tuple[str, list[tuple[float, float]]]:
    """Text by greedy search, window by window as the server does it, and from and to which second each segment goes."""
    segments, _ = model.transcribe(
        samples, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False
    )
    found = list(segments)
    return " ".join(segment.text.strip() for segment in found), [(segment.start, segment.end) for segment in found]


def error_rate(model: WhisperModel, said: Sequence[Utterance], is_recorded: bool) -> float:
    """Words wrong, missing or too many, for each word said; each utterance alone."""
    generator = np.random.default_rng(SEED)
    sounds = [in_silence(utterance) for utterance in said]
    heard = [heard_in(model, recorded(generator, sound) if is_recorded else sound)[0] for sound in sounds]
    return float(jiwer.wer([utterance.text for utterance in said], heard))


def long_sounds(model: WhisperModel, said: Sequence[Utterance], seconds: float) -> dict[str, float]:
    """Utterances one after the other, with a second between them, up to so many seconds a sound; and their times.

    A segment's time is off by as much as its beginning or its end, whichever is more. Counted where as many segments
    are found as there are.
    """
    references, heard, off_s, counts_right = [], [], [], 0
    for sound, words in _joined(said, seconds):
        text, times = heard_in(model, sound)
        references.append(" ".join(DIGITS[word.digit] for word in words))
        heard.append(text)
        if len(words) == len(times):
            counts_right += 1
            said_s = [(word.begin / SAMPLE_RATE_HZ, word.end / SAMPLE_RATE_HZ) for word in words]
            pairs = zip(said_s, times, strict=True)
            off_s += [max(abs(one[0] - two[0]), abs(one[1] - two[1])) for one, two in pairs]
    return {
        "sounds": len(references),
        "word error rate": round(float(jiwer.wer(references, heard)), 4),
        "sounds with as many segments as there are": counts_right,
        "median seconds that a segment's time is off": round(float(np.median(off_s)), 3) if off_s else -1.0,
    }


def _joined(said: Sequence[Utterance], seconds: float) -> list[tuple[NDArray[np.float32], list[Word]]]:
    sounds: list[tuple[NDArray[np.float32], list[Word]]] = []
    parts, words, position = [np.zeros(SAMPLE_RATE_HZ // 2, np.float32)], [], SAMPLE_RATE_HZ // 2
    for utterance in said:
        if position + utterance.samples.size > (seconds - 1) * SAMPLE_RATE_HZ:
            sounds.append((np.concatenate(parts), words))
            parts, words, position = [np.zeros(SAMPLE_RATE_HZ // 2, np.float32)], [], SAMPLE_RATE_HZ // 2
        words += [Word(word.digit, word.begin + position, word.end + position) for word in utterance.words]
        parts += [utterance.samples.astype(np.float32) / 32768, np.zeros(SAMPLE_RATE_HZ, np.float32)]
        position += utterance.samples.size + SAMPLE_RATE_HZ
    return [*sounds, (np.concatenate(parts), words)] if words else sounds


def words_in_silence(model: WhisperModel, count: int) -> int:
    """Words that the model hears in so many stretches of 1 to 10 s in which nobody speaks, most with noise."""
    generator = np.random.default_rng(SEED)
    sounds = [np.zeros(int(generator.uniform(1, 10) * SAMPLE_RATE_HZ), np.float32) for _ in range(count)]
    return sum(len(heard_in(model, recorded(generator, sound))[0].split()) for sound in sounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--espeak", type=Path, required=True, help="directory with libespeak-ng.so and espeak-ng-data")
    parser.add_argument("--count", type=int, default=400, help="utterances of each kind (default: %(default)s)")
    arguments = parser.parse_args()
    model = WhisperModel(str(arguments.model), device="cpu", compute_type="int8", cpu_threads=1)
    speaker, generator = Speaker(arguments.espeak), np.random.default_rng(SEED)
    held_out = utterances(speaker, generator, HELD_OUT, arguments.count)
    known = utterances(speaker, generator, TRAINING, arguments.count)
    # Said voice by voice: long sounds hear all of them by turns.
    mixed = [held_out[index] for index in generator.permutation(len(held_out))]
    report = {
        "utterances of each kind": arguments.count,
        "word error rate, held-out voices and rates": error_rate(model, held_out, is_recorded=False),
        "word error rate, held-out voices and rates, recorded": error_rate(model, held_out, is_recorded=True),
        "word error rate, voices and rates of the training": error_rate(model, known, is_recorded=False),
        "words in silence and noise": words_in_silence(model, arguments.count // 4),
        **{f"sounds of up to {seconds:.0f} s, held out": long_sounds(model, mixed, seconds) for seconds in _LONG_S},
    }
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
