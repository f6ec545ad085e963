"""What every transcriber refuses, whoever checked before."""

import re
from collections.abc import Sequence

import numpy as np

from coldstart.domain.audio import SPEECH_RATE_HZ
from coldstart.domain.errors import InvalidInput
from coldstart.domain.transcription import WINDOW_S, TranscriptionRequest

# JSON can name half of a surrogate pair, which no tokenizer takes.
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_SAMPLES = int(WINDOW_S * SPEECH_RATE_HZ)


def check_transcription(request: TranscriptionRequest, languages: Sequence[str]) -> None:
    """Raises:
    InvalidInput: no samples, more than a window, of another type, not finite; or an option that there is not.
    """
    samples, options = request.samples, request.options
    if samples.dtype != np.float32 or samples.ndim != 1:
        raise InvalidInput(f"the samples are {samples.dtype} of shape {samples.shape}; wanted is float32, (n_samples,)")
    if not 1 <= len(samples) <= _MOST_SAMPLES:
        raise InvalidInput(f"the window has {len(samples)} samples; a transcriber takes 1 to {_MOST_SAMPLES}")
    if not np.isfinite(samples).all():
        raise InvalidInput("the samples hold NaN or infinity; every sample must be a finite number")
    if options.language is not None and options.language not in languages:
        raise InvalidInput(f"language {options.language!r} is not one of this model's: {', '.join(languages)}")
    if options.task not in ("transcribe", "translate"):
        raise InvalidInput(f"the task is {options.task!r}; it must be 'transcribe' or 'translate'")
    if not 0 <= options.temperature <= 1:
        raise InvalidInput(f"the temperature is {options.temperature:g}; it must be in [0, 1]")
    surrogate = _SURROGATE.search(options.prompt)
    if surrogate is not None:
        met = f"U+{ord(surrogate[0]):04X}, at character {surrogate.start()}"
        raise InvalidInput(f"the prompt has a lone surrogate, {met}; it must be Unicode text")
