"""The token wheel: sessions in which a text grows by one token at a time, spun or picked."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from coldstart.domain.distribution import Distribution, Slice, drawn_position
from coldstart.domain.errors import InvalidInput, NotFound
from coldstart.domain.manifest import ModelEntry
from coldstart.domain.sessions import SessionStore, WheelSession
from coldstart.services.next_token_models import NextTokenModel, NextTokenModels

# Logits of recent positions: without them a spin would cost two steps of the engine, one to see and one to go on.
_KEPT_LOGITS_BYTES = 64 * 1024 * 1024
# A seed that a person can read out and type.
_CHOSEN_SEEDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Changes:
    """New settings of a session; None keeps the old one."""

    temperature: float | None = None
    top_k: int | None = None
    seed: int | None = None

    def applied_to(self, session: WheelSession) -> WheelSession:
        return replace(
            session,
            temperature=session.temperature if self.temperature is None else self.temperature,
            top_k=session.top_k if self.top_k is None else self.top_k,
            seed=session.seed if self.seed is None else self.seed,
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The token that a step added.

    Args:
        probability: what it had in the distribution that it was chosen from.
        position: where the pointer stopped, in [0, 1) of the way around the wheel from its first slice on; None when
            a person picked the token.
    """

    token_id: int
    text: str
    probability: float
    position: float | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session and its next token's distribution, ready to be shown.

    Args:
        model: that answers.
        text: all tokens decoded together.
        token_texts: each token by itself; a part of a character is U+FFFD, so these need not add up to `text`.
        slices: the most likely tokens, most likely first, with their texts.
        rest_probability: all other tokens together; with the slices it is 1.
        entropy_bits: of the whole distribution.
        choice: what was just added, if this view answers a step.
    """

    model: ModelEntry
    session: WheelSession
    text: str
    token_texts: tuple[str, ...]
    slices: tuple[tuple[Slice, str], ...]
    rest_probability: float
    entropy_bits: float
    context_length: int
    choice: Choice | None


class TokenWheel:
    """All sessions. For one event loop; the only waiting is for the engine and for a session's other requests.

    A step that fails or is refused leaves its session as it was, so it may be repeated.
    """

    def __init__(
        self, models: NextTokenModels, store: SessionStore, kept_logits_bytes: int = _KEPT_LOGITS_BYTES
    ) -> None:
        self._models = models
        self._store = store
        self._kept = _KeptLogits(kept_logits_bytes)

    async def create(
        self, prompt: str, model_name: str | None, *, temperature: float, top_k: int, seed: int | None
    ) -> SessionView:
        """Begin a session; `seed` None chooses one.

        Raises:
            InvalidInput: the prompt has no token, or leaves no room for another.
            NotFound, NotReady: the model is unknown or not ready.
            Overloaded: there are too many sessions, or the model's queue is full.
        """
        model = self._models.get(model_name)
        token_ids = await model.encode(prompt)
        if not token_ids:
            raise InvalidInput("the prompt is empty; it must have at least one token")
        if len(token_ids) >= model.context_length:
            raise InvalidInput(
                f"the prompt has {len(token_ids)} tokens; model {model.name!r} takes at most "
                f"{model.context_length - 1}, so that one more fits"
            )
        session = WheelSession(
            session_id=secrets.token_hex(16),
            model=model.name,
            token_ids=token_ids,
            prompt_token_count=len(token_ids),
            temperature=temperature,
            top_k=top_k,
            seed=secrets.randbelow(_CHOSEN_SEEDS) if seed is None else seed,
        )
        await self._remove_expired()
        await self._store.add(session)
        try:
            return await self._view(model, session)
        except BaseException:
            # Nobody has learnt the id.
            await self._store.remove(session.session_id)
            self._forget(session)
            raise

    async def show(self, session_id: str) -> SessionView:
        """A session as it is. Raises: NotFound, Overloaded."""
        # Exclusive, for an engine takes one request of a sequence at a time.
        async with self._store.exclusive(session_id) as session:
            return await self._view(self._models.get(session.model), session)

    async def change(self, session_id: str, changes: Changes) -> SessionView:
        """Show the same position under other settings. Raises: NotFound, Overloaded."""
        async with self._store.exclusive(session_id) as session:
            changed = changes.applied_to(session)
            view = await self._view(self._models.get(session.model), changed)
            await self._store.put(changed)
            return view

    async def step(self, session_id: str, token_id: int | None, changes: Changes) -> SessionView:
        """Add a token: the one picked, or with None the one that a spin gives.

        A spin stops at `drawn_position(seed, tokens chosen before)` on the wheel of the whole vocabulary, so it may
        hit a token outside of the slices shown. Changes apply before the spin.

        Raises:
            InvalidInput: the token is not in the vocabulary, or the text is as long as the model takes.
            NotFound: the session is gone.
            Overloaded: the model's queue is full, or too many wait for this session.
        """
        async with self._store.exclusive(session_id) as session:
            model = self._models.get(session.model)
            changed = changes.applied_to(session)
            if len(session.token_ids) >= model.context_length:
                raise InvalidInput(
                    f"the text has {len(session.token_ids)} tokens, the most that model {model.name!r} takes; "
                    "take tokens back or start another session"
                )
            choice = await self._choose(model, changed, token_id)
            grown = replace(changed, token_ids=(*session.token_ids, choice.token_id))
            view = await self._view(model, grown, choice)
            await self._store.put(grown)
            model.count_token()
            return view

    async def undo(self, session_id: str) -> SessionView:
        """Take the newest chosen token back.

        Raises:
            InvalidInput: no token has been chosen.
            NotFound, Overloaded: as `step`.
        """
        async with self._store.exclusive(session_id) as session:
            if not session.chosen_count:
                raise InvalidInput("no token has been chosen yet, and the prompt's tokens stay")
            shorter = replace(session, token_ids=session.token_ids[:-1])
            view = await self._view(self._models.get(session.model), shorter)
            await self._store.put(shorter)
            return view

    async def end(self, session_id: str) -> None:
        """End a session. Raises: NotFound."""
        async with self._store.exclusive(session_id):
            self._forget(await self._store.remove(session_id))
        await self._remove_expired()

    async def _choose(self, model: NextTokenModel, session: WheelSession, token_id: int | None) -> Choice:
        position = None
        if token_id is not None:
            model.check_token(token_id)
        distribution = Distribution(await self._logits(model, session), session.temperature)
        if token_id is None:
            position = drawn_position(session.seed, session.chosen_count)
            token_id = distribution.token_at(position)
        return Choice(token_id, model.token_text(token_id), distribution.probability_of(token_id), position)

    async def _view(self, model: NextTokenModel, session: WheelSession, choice: Choice | None = None) -> SessionView:
        distribution = Distribution(await self._logits(model, session), session.temperature)
        slices = distribution.top(session.top_k)
        return SessionView(
            model=model.entry,
            session=session,
            text=model.decode(session.token_ids),
            token_texts=tuple(map(model.token_text, session.token_ids)),
            slices=tuple((piece, model.token_text(piece.token_id)) for piece in slices),
            rest_probability=max(0.0, 1.0 - sum(piece.probability for piece in slices)),
            entropy_bits=distribution.entropy_bits,
            context_length=model.context_length,
            choice=choice,
        )

    async def _logits(self, model: NextTokenModel, session: WheelSession) -> NDArray[np.float32]:
        kept = self._kept.get(session)
        if kept is None:
            kept = self._kept.put(session, await model.logits(session.token_ids, session.session_id))
        return kept

    async def _remove_expired(self) -> None:
        for session in await self._store.remove_expired():
            self._forget(session)

    def _forget(self, session: WheelSession) -> None:
        try:
            model = self._models.get(session.model)
        except NotFound:
            return
        model.forget(session.session_id)


class _KeptLogits:
    """The logits of recently seen positions, the least recently used dropped first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._arrays: OrderedDict[tuple[str, tuple[int, ...]], NDArray[np.float32]] = OrderedDict()

    def get(self, session: WheelSession) -> NDArray[np.float32] | None:
        key = (session.session_id, session.token_ids)
        if key in self._arrays:
            self._arrays.move_to_end(key)
        return self._arrays.get(key)

    def put(self, session: WheelSession, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        # A row of a batch's output would keep the whole batch alive.
        kept = logits.copy() if logits.base is not None else logits
        key = (session.session_id, session.token_ids)
        self._bytes -= self._arrays.pop(key).nbytes if key in self._arrays else 0
        self._arrays[key] = kept
        self._bytes += kept.nbytes
        while self._bytes > self._limit_bytes and len(self._arrays) > 1:
            self._bytes -= self._arrays.popitem(last=False)[1].nbytes
        return kept
