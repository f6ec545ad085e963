"""The tokenizer of both engines: tokenizer.json of the Hugging Face layout."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from coldstart.domain.errors import EngineFailed


class HubTokenizer:
    """Text to token ids and back (`domain.next_token.Tokenizer`); thread-safe, blocks only on the CPU.

    Raises:
        EngineFailed: the file is missing or is no tokenizer.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises plain Exception
            raise EngineFailed(f"tokenizers cannot load {path}: {error}") from error

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        return text
