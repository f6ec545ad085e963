"""A wheel session: a text that grows token by token, and where such sessions are kept."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WheelSession:
    """One text and how its next token is shown and drawn. Immutable: a change makes another with the same id.

    Args:
        session_id: names the session, and its sequence in the engine; cannot be guessed.
        model: its label, so that a session stays with the revision that began it.
        token_ids: the prompt's tokens, then the chosen ones.
        prompt_token_count: how many of `token_ids` are the prompt's; these cannot be undone.
        temperature: in (0, 5].
        top_k: slices shown, 1 to 100.
        seed: 0 or more; with the number of chosen tokens it decides each spin.
    """

    session_id: str
    model: str
    token_ids: tuple[int, ...]
    prompt_token_count: int
    temperature: float
    top_k: int
    seed: int

    @property
    def chosen_count(self) -> int:
        """Tokens chosen since the prompt."""
        return len(self.token_ids) - self.prompt_token_count


class SessionStore(Protocol):
    """Keeps a bounded number of sessions for a bounded time since their last use.

    Used from one event loop. Reading a session is a use of it.
    """

    async def add(self, session: WheelSession) -> None:
        """Keep a new session.

        Raises:
            Overloaded: the store is full of sessions that are in use.
        """
        ...

    async def get(self, session_id: str) -> WheelSession:
        """The session as it was last put.

        Raises:
            NotFound: there is none of this id, or no longer.
        """
        ...

    def exclusive(self, session_id: str) -> AbstractAsyncContextManager[WheelSession]:
        """Hold others off one session while it is read, changed and put.

        Raises:
            NotFound: as `get`, also when the session ended while waiting for it.
            Overloaded: too many wait for this session.
        """
        ...

    async def put(self, session: WheelSession) -> None:
        """Replace a session by its changed self, unless it has ended meanwhile."""
        ...

    async def remove(self, session_id: str) -> WheelSession:
        """End a session.

        Raises:
            NotFound: as `get`.
        """
        ...

    async def remove_expired(self) -> tuple[WheelSession, ...]:
        """End the sessions that were not used for too long, and say which."""
        ...
