"""The reference engine: torch and transformers in float32. Slow to start; the oracle of the others."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.utils import logging as transformers_logging

from coldstart.domain.errors import EngineFailed
from coldstart.domain.next_token import NextTokenRequest
from coldstart.engines.hub_tokenizer import HubTokenizer
from coldstart.engines.request_checks import check_request

_CHUNK = 256  # tokens a call
_KEPT_SEQUENCES = 16  # 75 MB each of a 124M model at 1024 tokens


@dataclass(slots=True)
class _Kept:
    tokens: tuple[int, ...]
    past: Any  # a DynamicCache of `len(tokens)` positions


class TransformersNextTokenEngine:
    """A causal model in the Hugging Face layout (`domain.next_token.NextTokenEngine`), one request at a time.

    Args:
        path: directory with config.json, model.safetensors and tokenizer.json.
        threads: compute threads, of the whole process.

    Raises:
        EngineFailed: transformers cannot load it.
    """

    max_batch = 1

    def __init__(self, path: Path, *, threads: int) -> None:
        torch.set_num_threads(threads)
        transformers_logging.disable_progress_bar()
        try:
            model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineFailed(f"transformers cannot load {path}: {error}") from error
        self._model = model.eval()
        config = model.config
        self.vocabulary_size: int = config.vocab_size
        self.context_length: int = config.max_position_embeddings
        self.end_of_text_id: int | None = config.eos_token_id
        self.tokenizer = HubTokenizer(path / "tokenizer.json")
        self._kept: OrderedDict[str | tuple[int, ...], _Kept] = OrderedDict()

    def advance(self, requests: Sequence[NextTokenRequest]) -> list[NDArray[np.float32] | None]:
        """See `domain.next_token.NextTokenEngine`.

        Raises:
            InvalidInput: a request is empty, too long or outside the vocabulary.
        """
        for request in requests:
            check_request(request, vocabulary_size=self.vocabulary_size, context_length=self.context_length)
        return [self._advance(request) for request in requests]

    def forget(self, sequence_id: str) -> None:
        self._kept.pop(sequence_id, None)

    def close(self) -> None:
        self._kept.clear()
        del self._model

    def _advance(self, request: NextTokenRequest) -> NDArray[np.float32] | None:
        ids, name = request.token_ids, request.sequence_id
        key = ids if name is None else name
        kept = self._kept.pop(key, None) or _Kept((), DynamicCache())
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(kept.tokens, ids, strict=False)))
        start = min(shared, len(ids) - 1)
        if start < len(kept.tokens):
            kept.past.crop(start - len(kept.tokens))  # negative: how many to remove
        chunk = ids[start : start + _CHUNK]
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.tensor([chunk]), past_key_values=kept.past, use_cache=True, logits_to_keep=1
            )
        is_last = start + len(chunk) == len(ids)
        if name is not None or not is_last:
            self._kept[key] = _Kept(ids[: start + len(chunk)], kept.past)
            while len(self._kept) > _KEPT_SEQUENCES:
                self._kept.popitem(last=False)
        return output.logits[0, -1].numpy() if is_last else None
