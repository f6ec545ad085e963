"""Stand-ins for engines and models, deterministic and with a gate that holds them."""

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.next_token import NextTokenRequest

FAKE_WORDS = (" the", " cat", " sat", " on", " mat", " dog", " ran", ".")


class FakeTokenizer:
    """One token a byte, 0 to 255, then the words of FAKE_WORDS, the longest that fits first."""

    def encode(self, text: str) -> tuple[int, ...]:
        ids: list[int] = []
        while text:
            word = next((w for w in FAKE_WORDS if text.startswith(w)), None)
            if word is not None:
                ids.append(256 + FAKE_WORDS.index(word))
                text = text[len(word) :]
            else:
                ids.extend(text[0].encode())
                text = text[1:]
        return tuple(ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        pieces = (bytes([i]) if i < 256 else FAKE_WORDS[i - 256].encode() for i in token_ids)
        return b"".join(pieces).decode("utf-8", "replace")


class FakeNextTokenEngine:
    """A `NextTokenEngine` whose logits depend on the last token only; the words of FAKE_WORDS are the likely ones.

    Args:
        gate: `advance` waits for it; set unless a test clears it. A test must set it again in the end.
        entered: set whenever `advance` has been entered.
        poison: requests whose token ids hold this id make `advance` raise.
        calls: the requests of each call of `advance`.
        forgotten: the sequence ids given to `forget`.
        steps: how many calls a request takes; 1 unless a test says otherwise.
    """

    vocabulary_size = 256 + len(FAKE_WORDS)
    end_of_text_id: int | None = 0

    def __init__(self, *, max_batch: int = 8, context_length: int = 64, poison: int | None = None) -> None:
        self.tokenizer = FakeTokenizer()
        self.max_batch = max_batch
        self.context_length = context_length
        self.poison = poison
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.calls: list[list[NextTokenRequest]] = []
        self.forgotten: list[str] = []
        self.closed = False
        self.steps = 1
        self._taken: dict[int, int] = {}

    def advance(self, requests: Sequence[NextTokenRequest]) -> list[NDArray[np.float32] | None]:
        self.calls.append(list(requests))
        self.entered.set()
        self.gate.wait()
        if any(self.poison in request.token_ids for request in requests):
            raise RuntimeError("poisoned")
        return [self._step(request) for request in requests]

    def forget(self, sequence_id: str) -> None:
        self.forgotten.append(sequence_id)

    def close(self) -> None:
        self.closed = True

    def _step(self, request: NextTokenRequest) -> NDArray[np.float32] | None:
        taken = self._taken.get(id(request), 0) + 1
        self._taken[id(request)] = taken
        if taken < self.steps:
            return None
        del self._taken[id(request)]
        return fake_logits(request.token_ids)


def fake_logits(token_ids: Sequence[int]) -> NDArray[np.float32]:
    """What the fake model says after `token_ids`: float32, shape (vocabulary,)."""
    logits = np.full(FakeNextTokenEngine.vocabulary_size, -4.0, np.float32)
    likely = (token_ids[-1] * 7 + np.arange(len(FAKE_WORDS))) % len(FAKE_WORDS)
    logits[256 + likely] = np.linspace(3.0, 1.0, len(FAKE_WORDS), dtype=np.float32)
    return logits


def write_manifest(directory: Path, *names: str, engine: str = "fake", required: bool = True) -> Path:
    """Make an artifact of two small files for each name under `directory`, and the manifest over them."""
    path = directory / "models.json"
    path.write_text(
        json.dumps({"schema_version": 1, "models": [_model(directory, name, engine, required) for name in names]})
    )
    return path


def _model(directory: Path, name: str, engine: str, required: bool) -> dict[str, object]:
    artifact = directory / name
    artifact.mkdir()
    files = {"weights.bin": name.encode() * 1000, "nested/tokenizer.json": b"{}"}
    (artifact / "nested").mkdir()
    for file, content in files.items():
        (artifact / file).write_bytes(content)
    prompt = "the cat"
    token_ids = FakeTokenizer().encode(prompt)
    weights = np.exp(fake_logits(token_ids).astype(np.float64))
    likely = np.argsort(-weights)[:5]
    return {
        "name": name,
        "task": "next-token",
        "architecture": "fake",
        "repository": f"coldstart/{name}",
        "revision": "r1",
        "license": "MIT",
        "required": required,
        "artifacts": {
            engine: {
                "path": str(artifact),
                "files": [
                    {"path": file, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                    for file, content in files.items()
                ],
            }
        },
        "golden": {
            "prompt": prompt,
            "token_ids": list(token_ids),
            "probabilities": {str(int(i)): float(weights[i] / weights.sum()) for i in likely},
            "tolerance": {engine: 0.001},
        },
    }
