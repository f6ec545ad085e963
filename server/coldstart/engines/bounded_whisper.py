"""faster-whisper's model, bounded, and with the first pass over several windows made at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import TranscriptionOptions as DecodingOptions
from faster_whisper.transcribe import get_suppressed_tokens

from coldstart.domain.transcription import TranscriptionOptions

# How often the decoder may go over one window. It begins again where its last whole sentence ended, once or twice in 30
# seconds of speech; a model that is lost may find that sentence to end where it began, and would go on for ever.
MOST_PASSES = 12

# Tried in turn until the text is neither improbable nor repeats itself. Source: Whisper's and faster-whisper's default.
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

# Of the decoder's times.
TICK_S = 0.02
_FRAMES_ALIGNED = 2


class NoEndFound(Exception):
    """The decoder has gone over one window for the last time."""


@dataclass
class WindowOptions(DecodingOptions):  # type: ignore[misc]  # its package has no types
    """faster-whisper's options of one window.

    Args:
        passes_left: how often the decoder may still go over it.
        first: what its first pass has given, where that was made together with others'.
    """

    passes_left: int = MOST_PASSES
    first: Any = None

    @property
    def goes_with_others(self) -> bool:
        """Whether the first pass is the likeliest text after nothing but the start, as every window's can be."""
        return bool(self.initial_prompt is None and self.temperatures[0] == 0)


class BoundedWhisper(WhisperModel):  # type: ignore[misc]  # its package has no types
    """faster-whisper, which would go over a window as often as its decoder asks for it, and fails on a last frame."""

    model: Any  # ctranslate2.models.Whisper, or what stands in for it during a call

    def first_passes(self, encoded: Sequence[Any], prompts: Sequence[list[int]], options: WindowOptions) -> list[Any]:
        """The likeliest texts of several windows at once: of each what `generate_with_fallback` asks for first.

        Args:
            encoded: each window's encoder output, on the CPU.
            prompts: each window's start, all of one length.
            options: of any of them.
        """
        return list(
            self.model.generate(
                StorageView.from_array(np.concatenate([np.asarray(one) for one in encoded])),
                prompts,
                beam_size=options.beam_size,
                patience=options.patience,
                length_penalty=options.length_penalty,
                repetition_penalty=options.repetition_penalty,
                no_repeat_ngram_size=options.no_repeat_ngram_size,
                max_length=self.max_length,
                return_scores=True,
                return_no_speech_prob=True,
                suppress_blank=options.suppress_blank,
                suppress_tokens=options.suppress_tokens,
                max_initial_timestamp_index=round(options.max_initial_timestamp / TICK_S),
            )
        )

    def generate_with_fallback(self, encoder_output: Any, prompt: Any, tokenizer: Any, options: Any) -> Any:
        if options.passes_left == 0:
            raise NoEndFound
        options.passes_left -= 1
        model: Any = self.model
        if options.first is not None:
            self.model = _Foretold(model, options.first)
            options.first = None
        try:
            return super().generate_with_fallback(encoder_output, prompt, tokenizer, options)
        finally:
            self.model = model

    def add_word_timestamps(self, segments: Any, *args: Any, **kwargs: Any) -> Any:
        # Words that the model finds in one moment make a segment without length, which faster-whisper 1.2 drops, and
        # its text with it. The words stay as they are here, for the next pass begins where the last of them ends.
        lasting = [segment for window in segments for segment in window if segment["start"] != segment["end"]]
        last_speech_s = super().add_word_timestamps(segments, *args, **kwargs)
        for segment in lasting:
            if segment["start"] == segment["end"]:
                segment["end"] += TICK_S
        return last_speech_s

    def find_alignment(
        self, tokenizer: Any, text_tokens: Any, encoder_output: Any, num_frames: int, *args: Any, **kwargs: Any
    ) -> Any:
        # CTranslate2 aligns pairs of frames; of a single one faster-whisper 1.2 raises IndexError.
        if num_frames < _FRAMES_ALIGNED:
            return [[] for _ in text_tokens]
        return super().find_alignment(tokenizer, text_tokens, encoder_output, num_frames, *args, **kwargs)


class _Foretold:
    """A CTranslate2 model whose first answer is known."""

    def __init__(self, model: Any, first: Any) -> None:
        self._model = model
        self._first = first

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        first, self._first = self._first, None
        return [first] if first is not None else self._model.generate(*args, **kwargs)


def window_options(options: TranscriptionOptions, tokenizer: Tokenizer) -> WindowOptions:
    """What faster-whisper's `transcribe` makes of its defaults, and these options."""
    # A prompt is text alone: a special token written in it would end it, or begin another transcript.
    prompt = [token for token in tokenizer.encode(f" {options.prompt.strip()}") if token < tokenizer.eot]
    return WindowOptions(
        beam_size=5,
        best_of=5,
        patience=1,
        length_penalty=1,
        repetition_penalty=1,
        no_repeat_ngram_size=0,
        log_prob_threshold=-1.0,
        no_speech_threshold=0.6,
        compression_ratio_threshold=2.4,
        condition_on_previous_text=True,
        prompt_reset_on_temperature=0.5,
        temperatures=[*_TEMPERATURES] if options.temperature == 0 else [options.temperature],
        initial_prompt=prompt if options.prompt.strip() else None,
        prefix=None,
        suppress_blank=True,
        suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        without_timestamps=False,
        max_initial_timestamp=1.0,
        word_timestamps=options.word_timestamps,
        prepend_punctuations="\"'“¿([{-",
        append_punctuations="\"'.。,，!！?？:：”)]}、",
        multilingual=False,
        max_new_tokens=None,
        clip_timestamps="0",
        hallucination_silence_threshold=None,
        hotwords=None,
    )
