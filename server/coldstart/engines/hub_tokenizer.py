"""The tokenizer of both engines: tokenizer.json of the Hugging Face layout."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer


class HubTokenizer:
    """Text to token ids and back (`domain.next_token.Tokenizer`); thread-safe, blocks only on the CPU."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        return text
