"""What must be true of a session of the token wheel, from one answer to the next. Pure."""

from typing import Any

_TOLERANCE = 1e-6
# A part of a character is shown as this until its other part has come.
_PART = "\ufffd"

Session = dict[str, Any]


def why_no_distribution(after: Session) -> str | None:
    """A sentence where the probabilities of the slices and the rest are not 1 together."""
    distribution = after["distribution"]
    total = sum(piece["probability"] for piece in distribution["slices"]) + distribution["rest_probability"]
    return None if abs(total - 1) <= _TOLERANCE else f"the probabilities are {total} together instead of 1"


def why_not_begun(prompt: str, after: Session) -> str | None:
    """A sentence where a new session does not hold the prompt and nothing else."""
    if after["text"] != prompt:
        return f"the text is {after['text']!r} instead of the prompt {prompt!r}"
    return why_no_distribution(after)


def why_not_grown(before: Session, after: Session, picked: int | None) -> str | None:
    """A sentence where a step did not add one token: the picked one, or with None the one that was spun."""
    chosen, tokens = after["chosen"], after["tokens"]
    if picked is not None and chosen["token_id"] != picked:
        return f"token {chosen['token_id']} was chosen instead of the picked one, {picked}"
    if tokens[:-1] != before["tokens"] or tokens[-1]["id"] != chosen["token_id"]:
        return f"the tokens are not the earlier ones and the chosen one, {chosen['token_id']}"
    if not after["text"].startswith(before["text"].rstrip(_PART)):
        return f"the text {after['text']!r} does not go on from {before['text']!r}"
    if chosen["text"].strip(_PART) and after["text"] == before["text"]:
        return f"the text did not grow by {chosen['text']!r}"
    return why_no_distribution(after)


def why_not_undone(earlier: Session, after: Session) -> str | None:
    """A sentence where taking a token back did not give the earlier text."""
    if after["text"] != earlier["text"] or after["tokens"] != earlier["tokens"]:
        return f"the text is {after['text']!r} instead of the earlier {earlier['text']!r}"
    return why_no_distribution(after)


def why_not_changed(before: Session, after: Session, temperature: float) -> str | None:
    """A sentence where another temperature was not taken, or changed the text."""
    if after["temperature"] != temperature:
        return f"the temperature is {after['temperature']} instead of {temperature}"
    return why_not_undone(before, after)
