"""The capability of writing down what is said."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TranscriptionTask = Literal["transcribe", "translate"]

# Source: Whisper's encoder takes 30 s at a time.
WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """How a sound is written down.

    Args:
        task: in its own language, or translated to English.
        language: ISO 639-1 code, one of the engine's `languages`; None: it is detected.
        prompt: text that went before; its words and style are likelier. May be empty.
        temperature: in [0, 1]; 0 is the likeliest text, and only then is it raised by itself where that text is bad.
        word_timestamps: whether segments have their words.
    """

    task: TranscriptionTask = "transcribe"
    language: str | None = None
    prompt: str = ""
    temperature: float = 0.0
    word_timestamps: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One word and when it is said, in seconds from the sound's start; probability in [0, 1]."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A few seconds of speech and their text, with what Whisper's decoder says of it.

    Args:
        text: as the model gives it, most often with a space before.
        start_s: from the sound's start.
        end_s: after `start_s`, at most the sound's length.
        token_ids: of the text.
        temperature: at which it was made.
        average_log_probability: of its tokens, natural logarithm.
        compression_ratio: of the text; high where it repeats itself.
        no_speech_probability: in [0, 1].
        words: empty unless they were asked for.
    """

    text: str
    start_s: float
    end_s: float
    token_ids: tuple[int, ...] = ()
    temperature: float = 0.0
    average_log_probability: float = 0.0
    compression_ratio: float = 1.0
    no_speech_probability: float = 0.0
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """One window of sound that is to be written down. Longer sounds are cut into windows where nobody speaks.

    Args:
        samples: float32, mono, 16 kHz, in [-1, 1], shape (n_samples,), 1 sample to `WINDOW_S` seconds.
        options: how it is written down.
    """

    samples: "NDArray[np.float32]"
    options: TranscriptionOptions = field(default_factory=TranscriptionOptions)


@dataclass(frozen=True, slots=True)
class Transcription:
    """What is said in one window.

    Args:
        segments: in order, their times counted from the window's start; none where nobody speaks.
        language: ISO 639-1 code of what is spoken, given or detected.
        language_probability: in [0, 1]; 1 where the language was given.
    """

    segments: tuple[Segment, ...]
    language: str
    language_probability: float


@dataclass(frozen=True, slots=True)
class TextScore:
    """How likely a given text is after a sound.

    Args:
        token_ids: what the tokenizer makes of the text.
        log_probabilities: of each token among the tokens of text, those before it given; natural logarithm.
    """

    token_ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]


class Transcriber(Protocol):
    """A speech recognition model behind one inference library.

    Not thread-safe: `advance` and `score` are called from one thread at a time (the scheduler's), and block.
    """

    @property
    def languages(self) -> Sequence[str]:
        """ISO 639-1 codes of the languages that it knows; one alone for a model of one language."""
        ...

    @property
    def device(self) -> str:
        """Where it computes: `cpu` or `cuda`."""
        ...

    @property
    def max_batch(self) -> int:
        """The most requests that one call of `advance` takes."""
        ...

    def advance(self, requests: Sequence[TranscriptionRequest]) -> list[Transcription | None]:
        """For each request, in order: what is said in it; or None when it needs another call."""
        ...

    def score(self, samples: "NDArray[np.float32]", text: str) -> TextScore:
        """How likely `text` would be as the transcript of these samples, without times, in English where it has it.

        For golden checks: one pass through every weight, and no choice that could turn out another way. Called on the
        scheduler's thread; blocks.

        Args:
            samples: as a request's, at least 0.1 seconds.
            text: 1 to 200 tokens.
        """
        ...

    def close(self) -> None:
        """Free the model. Nothing may be called afterwards."""
        ...
