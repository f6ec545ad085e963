"""The interviewer that needs no key and no network: questions from beside this module, asked by rules."""

from collections.abc import Sequence
from pathlib import Path

from coldstart.domain.interview import AnswerReport, Interview, Question
from coldstart.domain.languages import LANGUAGE_NAMES
from coldstart.services.interview_analysis import primary_language
from coldstart.services.interview_notes import rule_based_notes
from coldstart.services.question_bank.questions import LanguageBank, read_language
from coldstart.services.question_bank.rules import next_text, topics_mentioned

# A directory for each language, named by its ISO 639-1 code.
_DIRECTORY = Path(__file__).parent / "languages"
# What is asked where the bank has nothing in the interview's language.
_FALLBACK = "en"
_SOURCE = "bank"


class QuestionBank:
    """An `Interviewer`. The same interview is always asked the same; thread-safe, and never waits.

    Raises:
        ConfigurationError: a file of the bank cannot be read, or lacks something.
    """

    def __init__(self) -> None:
        self._languages = {path.name: read_language(path) for path in sorted(_DIRECTORY.iterdir())}

    async def next_question(self, interview: Interview) -> Question | None:
        """What to ask after the answers so far.

        None: as many questions as planned have been asked, or the bank has no other one for this role.
        """
        if len(interview.questions) >= interview.plan.question_count:
            return None
        bank = self._bank_of(interview)
        text = next_text(bank, interview)
        if text is None:
            return None
        return Question(len(interview.questions) + 1, text, _SOURCE, self._foreign(interview, "this one is in English"))

    async def notes_on(
        self, interview: Interview, answers: Sequence[AnswerReport]
    ) -> tuple[Sequence[str], str, str | None]:
        """Notes by rules on how it was spoken; never on whether an answer is right."""
        notes = rule_based_notes(answers, topics_mentioned(self._bank_of(interview), interview))
        return notes, _SOURCE, self._foreign(interview, "the notes are in English, and so are the topics looked for")

    def _bank_of(self, interview: Interview) -> LanguageBank:
        return self._languages.get(primary_language(interview.plan.language), self._languages[_FALLBACK])

    def _foreign(self, interview: Interview, consequence: str) -> str | None:
        """The sentence that says so where the bank does not have the interview's language."""
        code = primary_language(interview.plan.language)
        if code in self._languages:
            return None
        name = LANGUAGE_NAMES.get(code)
        language = name.title() if name else f"the language {interview.plan.language!r}"
        return f"The question bank has no questions in {language}: {consequence}."
