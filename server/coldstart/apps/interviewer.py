"""The interviewer's mind: the question bank, or a language model with the bank behind it."""

from coldstart.domain.errors import ConfigurationError
from coldstart.domain.interview import Interviewer
from coldstart.runtime.settings import Settings


def interviewer_of(settings: Settings) -> Interviewer:
    """The one that LLM_* choose.

    Raises:
        ConfigurationError: a language model is to be asked, and the settings do not say all that is needed for it.
    """
    from coldstart.services.question_bank import QuestionBank

    bank = QuestionBank()
    if settings.llm_base_url is None:
        return bank
    if settings.llm_model is None:
        raise ConfigurationError("LLM_BASE_URL is set and LLM_MODEL is not; a model must be named")
    from coldstart.engines.chat_interviewer import ChatInterviewer

    return ChatInterviewer(bank, settings.llm_base_url, settings.llm_api_key, settings.llm_model)
