"""The names that a model's voices answer to."""

from collections.abc import Mapping, Sequence

from coldstart.domain.speech import Voice

DEFAULT_VOICE = "default"

# Source: the voices of OpenAI's speech API, in its reference's order.
OPENAI_VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar"),
)


def voices_by_name(voices: Sequence[Voice]) -> Mapping[str, Voice]:
    """Every name → its voice: the voices' own names, `default` for the first, and OpenAI's names.

    OpenAI's names are dealt out in their order, again and again, to the voices of the default's language, so that a
    client that was written for that API is heard, in different voices where there are some. They say nothing of how
    a voice sounds. A voice that bears such a name itself keeps it.

    Args:
        voices: of one model, at least one; the first is the default.
    """
    language = _language(voices[0])
    alike = [voice for voice in voices if _language(voice) == language]
    dealt = {name: alike[index % len(alike)] for index, name in enumerate(OPENAI_VOICES)}
    own = {voice.name: voice for voice in voices}
    return own | {DEFAULT_VOICE: voices[0]} | {name: voice for name, voice in dealt.items() if name not in own}


def _language(voice: Voice) -> str:
    return voice.language.partition("-")[0].lower()
