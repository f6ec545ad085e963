"""The golden check of speech recognition models: how likely a text is after a sound, and what is heard in it."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from coldstart.domain.errors import ModelRejected
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.transcription import TextScore, Transcriber, Transcription, TranscriptionRequest
from coldstart.runtime.scheduler import Scheduler
from coldstart.services.golden import golden_digest, golden_sound

# The first answer of a large model on a slow machine takes tens of seconds, never minutes.
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Golden:
    """A text with its right log-probabilities after golden.wav, computed in float32 when the image was built.

    Every weight has a part in them, and nothing is chosen, so that a model of random weights has a right answer too.

    Args:
        text: what is scored.
        token_ids: what the tokenizer must make of it.
        log_probabilities: of each token, natural logarithm.
        transcript: what must be heard in the sound, where it has speech.
        tolerance: engine name → largest mean of the differences' absolute values.
    """

    text: str
    token_ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    transcript: str | None
    tolerance: float


def check_transcriber(
    entry: ModelEntry,
    engine_name: str,
    engine: Transcriber,
    scheduler: Scheduler[TranscriptionRequest, Transcription],
) -> str:
    """Score the golden text on the scheduler's thread, have the sound transcribed where it has speech, and compare.

    Returns:
        The golden digest, which this engine has just met within its tolerance.

    Raises:
        ModelRejected: the tokenizer gives other ids, the log-probabilities are beyond this engine's tolerance, or
            something else is heard.
    """
    golden = _golden_of(entry, engine_name)
    samples = golden_sound(entry, engine_name)
    score = scheduler.run(partial(engine.score, samples, golden.text)).result(_TIMEOUT_S)
    _check_score(entry.name, engine_name, golden, score)
    if golden.transcript is not None:
        transcription = scheduler.submit_blocking(TranscriptionRequest(samples), _TIMEOUT_S)
        heard = "".join(segment.text for segment in transcription.segments).strip()
        if heard != golden.transcript:
            raise ModelRejected(
                f"model {entry.name!r}: engine {engine_name!r} hears {heard!r} in the golden sound, "
                f"the manifest says {golden.transcript!r}"
            )
    return golden_digest(entry.golden)


def _check_score(model: str, engine_name: str, golden: _Golden, score: TextScore) -> None:
    if score.token_ids != golden.token_ids:
        raise ModelRejected(
            f"model {model!r}: the tokenizer makes {list(score.token_ids)} of the golden text, "
            f"the manifest says {list(golden.token_ids)}"
        )
    difference = np.subtract(score.log_probabilities, golden.log_probabilities)
    distance = float(np.abs(difference).mean())
    # Written so that NaN is refused too.
    if not distance <= golden.tolerance:
        raise ModelRejected(
            f"model {model!r}: the golden answer of engine {engine_name!r} differs by {distance:.4f} a token "
            f"from the manifest's log-probabilities, which allow {golden.tolerance:g}"
        )


def _golden_of(entry: ModelEntry, engine_name: str) -> _Golden:
    try:
        golden = _Golden(
            text=entry.golden["text"],
            token_ids=tuple(entry.golden["token_ids"]),
            log_probabilities=tuple(map(float, entry.golden["log_probabilities"])),
            transcript=entry.golden["transcript"],
            tolerance=float(entry.golden["tolerance"][engine_name]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRejected(
            f"model {entry.name!r}: its golden answer is not one of speech recognition for {engine_name!r}: {error!r}"
        ) from None
    if not 1 <= len(golden.token_ids) == len(golden.log_probabilities):
        raise ModelRejected(f"model {entry.name!r}: its golden answer has not one log-probability for each token")
    return golden
