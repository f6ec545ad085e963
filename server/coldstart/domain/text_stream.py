"""Text as it comes out of a model: whole characters, and nothing after a stop string."""

from collections.abc import Callable, Sequence

_UNFINISHED = "\ufffd"
# UTF-8 has at most four bytes a character, so at most three wait for another, each perhaps shown by itself.
_MOST_UNFINISHED = 3
# Tokens decoded along with a new one: some tokenizers treat a text's first token differently from others.
_CONTEXT_TOKENS = 4


class TextStream:
    """Turns tokens into text piece by piece; the pieces add up to the decoded whole.

    Args:
        decode: token ids to text, with U+FFFD for bytes that are not UTF-8.
        context: the tokens before the stream's first; their text is not part of it.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], context: Sequence[int] = ()) -> None:
        self._decode = decode
        self._token_ids = list(context[-_CONTEXT_TOKENS:])
        self._given = len(_finished(decode(self._token_ids)))

    def push(self, token_id: int) -> str:
        """The characters that a further token completes; empty while one is unfinished."""
        self._token_ids.append(token_id)
        text = self._decode(self._token_ids)
        finished = _finished(text)
        piece = finished[self._given :]
        self._given = max(self._given, len(finished))
        if len(finished) == len(text) and len(self._token_ids) > 2 * _CONTEXT_TOKENS:
            self._token_ids = self._token_ids[-_CONTEXT_TOKENS:]
            self._given = len(self._decode(self._token_ids))
        return piece

    def rest(self) -> str:
        """What is left at the end: U+FFFD for characters that were never finished."""
        return self._decode(self._token_ids)[self._given :]


class StopGate:
    """Lets text through up to the first stop string, and holds back what may be the beginning of one.

    Args:
        stops: none of them empty.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """The text that can be given out now; all of it before the stop string when `stopped` becomes true."""
        if not self._stops:
            return text
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        self.stopped = bool(found)
        cut = min(found) if found else len(self._held) - self._longest_beginning()
        given, self._held = self._held[:cut], self._held[cut:]
        return given

    def rest(self) -> str:
        """What was held back for nothing, at the end."""
        return "" if self.stopped else self._held

    def _longest_beginning(self) -> int:
        lengths = range(min(max(map(len, self._stops)) - 1, len(self._held)), 0, -1)
        return next((n for n in lengths if any(stop.startswith(self._held[-n:]) for stop in self._stops)), 0)


def _finished(text: str) -> str:
    unfinished = len(text) - len(text.rstrip(_UNFINISHED))
    return text[: len(text) - min(unfinished, _MOST_UNFINISHED)]
