"""Questions, said aloud."""

from collections.abc import Mapping

from coldstart.domain.errors import NotFound, NotReady
from coldstart.services.speech import Speech, SpeechParameters, Utterance
from coldstart.services.voice_names import DEFAULT_VOICE


class InterviewVoice:
    """The interviewer's voice, of whichever model of the process has one. For one event loop."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech

    @property
    def media_types(self) -> Mapping[str, str]:
        """Format → media type."""
        return self._speech.media_types

    @property
    def is_there(self) -> bool:
        """Whether questions can be said now."""
        return bool(self._speech.voices())

    def begin(self, text: str, *, language: str, format_name: str) -> Utterance:
        """Begin to say a question, in the first voice of its language, or else the first one.

        Of a model with several revisions one is drawn, as for any request.

        Raises:
            InvalidInput: there is no such format, or the text is too long.
            NotReady: there is no voice.
        """
        wanted = _primary(language)
        offered = next((each for each in self._speech.voices() if _primary(each.voice.language) == wanted), None)
        model, voice = (offered.model_name, offered.voice.name) if offered else (None, DEFAULT_VOICE)
        try:
            return self._speech.begin(SpeechParameters(text, model, voice, format_name))
        except (NotFound, NotReady) as error:
            retry_after_s = error.retry_after_s if isinstance(error, NotReady) else 1
            raise NotReady(
                f"there is no voice: {error}; the question can be read", retry_after_s=retry_after_s
            ) from None


def _primary(language: str) -> str:
    return language.partition("-")[0].casefold()
