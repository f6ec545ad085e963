"""What a Whisper says in float32, by the library that its weights were published for."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ctranslate2
import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer

from convert.whisper import vocabulary_of

FRAMES = 3000  # of 10 ms: Whisper's encoder takes 30 s
_HOP = 160
_MOST_TOKENS = 128
# The token that CTranslate2 and faster-whisper tell models of many languages by; those for English alone may have the
# languages' tokens too, but no use for them.
_MULTILINGUAL = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound as the encoder gets it: float32, shape (1, bands, 3000); `frames` of it are not padding."""

    features: NDArray[np.float32]
    frames: int


class Reference(Protocol):
    """A Whisper that computes in float32, on one thread."""

    def log_probabilities(self, heard: Heard, token_ids: list[int]) -> list[float]:
        """Of each token among those of text, after this sound and the tokens before it; natural logarithm."""
        ...

    def transcript(self, heard: Heard) -> list[int]:
        """The likeliest token at each step, times among them; at most 128."""
        ...


class WhisperTokens:
    """The tokens of an artifact, and which of them begin a transcript in English."""

    def __init__(self, artifact: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(artifact / "tokenizer.json"))
        self.end_of_text = self._id("<|endoftext|>")
        start = [self._id("<|startoftranscript|>")]
        if _MULTILINGUAL in vocabulary_of(artifact):
            start += [self._id("<|en|>"), self._id("<|transcribe|>")]
        self.start = start
        self.no_timestamps = self._id("<|notimestamps|>")

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, token_ids: list[int]) -> str:
        """The text of ids; those that are no text are left out."""
        text: str = self._tokenizer.decode([token for token in token_ids if token < self.end_of_text])
        return text

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"tokenizer.json has no token {token}")
        return int(found)


def hear(samples: NDArray[np.float32], directory: Path) -> Heard:
    """The features of a sound of less than 30 s as faster-whisper makes them: padded by zeros, not by silence."""
    path = directory / "preprocessor_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    extractor = transformers.WhisperFeatureExtractor(feature_size=config.get("feature_size", 80))
    padded = np.concatenate([samples, np.zeros(_HOP, np.float32)])
    spectrum = extractor(padded, sampling_rate=16_000, padding="do_not_pad", return_tensors="np").input_features
    content = np.asarray(spectrum, dtype=np.float32)[..., :-1]
    frames = content.shape[-1]
    return Heard(np.pad(content, ((0, 0), (0, 0), (0, FRAMES - frames))), frames)


class TransformersReference:
    """Weights in the Hugging Face layout, by PyTorch and transformers."""

    def __init__(self, directory: Path, tokens: WhisperTokens) -> None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        transformers.utils.logging.disable_progress_bar()
        self._model = transformers.WhisperForConditionalGeneration.from_pretrained(
            directory, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        ).eval()
        self._tokens = tokens

    def log_probabilities(self, heard: Heard, token_ids: list[int]) -> list[float]:
        start = [*self._tokens.start, self._tokens.no_timestamps]
        logits = self._logits(heard, [*start, *token_ids])[len(start) - 1 : -1, : self._tokens.end_of_text]
        found = torch.log_softmax(logits.double(), dim=-1)
        return [float(found[i, token]) for i, token in enumerate(token_ids)]

    def transcript(self, heard: Heard) -> list[int]:
        chosen: list[int] = []
        # As the engine does: neither a blank nor the end comes first, unless the model was made otherwise.
        barred = list(self._model.generation_config.begin_suppress_tokens or [])
        while len(chosen) < _MOST_TOKENS:
            logits = self._logits(heard, [*self._tokens.start, *chosen])[-1]
            if not chosen:
                logits[barred] = -torch.inf
            token = int(logits.argmax())
            if token == self._tokens.end_of_text:
                break
            chosen.append(token)
        return chosen

    def _logits(self, heard: Heard, token_ids: list[int]) -> torch.Tensor:
        with torch.inference_mode():
            features = torch.from_numpy(heard.features)
            logits: torch.Tensor = self._model(features, decoder_input_ids=torch.tensor([token_ids])).logits[0]
        return logits.clone()


class CTranslate2Reference:
    """Weights in CTranslate2's layout, which have no other float32 form; with `int8` it is what an engine gives."""

    def __init__(self, directory: Path, tokens: WhisperTokens, compute_type: str = "float32") -> None:
        self._model = ctranslate2.models.Whisper(str(directory), compute_type=compute_type, intra_threads=1)
        self._tokens = tokens

    def log_probabilities(self, heard: Heard, token_ids: list[int]) -> list[float]:
        features = ctranslate2.StorageView.from_array(heard.features)
        # It adds <|notimestamps|> itself.
        found = self._model.align(features, self._tokens.start, [token_ids], heard.frames)[0].text_token_probs
        least = np.finfo(np.float32).tiny
        return [float(value) for value in np.log(np.maximum(found, least))]

    def transcript(self, heard: Heard) -> list[int]:
        return self._generate(heard, beam_size=1)

    def transcript_as_served(self, heard: Heard) -> list[int]:
        """As the engine asks for it: by a beam of five."""
        return self._generate(heard, beam_size=5)

    def _generate(self, heard: Heard, beam_size: int) -> list[int]:
        features = ctranslate2.StorageView.from_array(heard.features)
        found = self._model.generate(features, [self._tokens.start], beam_size=beam_size, max_length=2 * _MOST_TOKENS)
        return list(found[0].sequences_ids[0])
