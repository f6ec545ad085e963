"""Which question follows an answer. A function of the interview alone, so that a repeat after a crash asks the same."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Set
from itertools import pairwise

from coldstart.domain.interview import Interview, SkillLevel
from coldstart.services.interview_words import words_of
from coldstart.services.question_bank.questions import LEVELS, LanguageBank, RoleBank, Topic

# An answer of fewer words is asked to go on.
_SHORT_WORDS = 6
# In a longer answer "I do not know" is about something else.
_NOT_KNOWN_WORDS = 12


def next_text(bank: LanguageBank, interview: Interview) -> str | None:
    """The text of the next question; None: all that there is for this role has been asked."""
    role = bank.role_of(interview.plan.role)
    if not interview.questions:
        return role.opening
    asked = {question.text for question in interview.questions}
    reaction = _reaction(bank, role, interview, asked)
    return reaction or next((text for text in _agenda(bank, role, interview, asked) if text not in asked), None)


def topics_mentioned(bank: LanguageBank, interview: Interview) -> list[str]:
    """The role's topics that the answers name, the most often named first."""
    mentions = bank.role_of(interview.plan.role).mentions
    counts: Counter[str] = Counter()
    for answer in interview.answers:
        counts.update(mentions.count(answer.text or ""))
    return [name for name, _ in counts.most_common()]


def _reaction(bank: LanguageBank, role: RoleBank, interview: Interview, asked: Set[str]) -> str | None:
    """What the last answer leads to; None: to the next topic."""
    last = interview.questions[-1].text
    answer = interview.answer_to(interview.questions[-1].number)
    if answer is None or answer.text is None:
        return None
    words = len(words_of(answer.text))
    if words <= _NOT_KNOWN_WORDS and bank.not_known.count(answer.text):
        return _easier(role, bank.general, last, asked)
    if words < _SHORT_WORDS:
        return _go_on(bank, interview, words)
    return _follow_up(role, last, answer.text, asked)


def _easier(role: RoleBank, general: RoleBank, last: str, asked: Set[str]) -> str | None:
    """The last question's topic one level below, where there is one that was not asked."""
    for topic in (*role.topics, *general.topics):
        for easier, level in pairwise(LEVELS):
            if topic.by_level[level] == last and topic.by_level[easier] not in asked:
                return topic.by_level[easier]
    return None


def _go_on(bank: LanguageBank, interview: Interview, words: int) -> str | None:
    """Once for each question: who has no more to say is asked something else."""
    texts = [question.text for question in interview.questions]
    if texts[-1] in (*bank.go_on, bank.silent):
        return None
    said = sum(text in bank.go_on for text in texts)
    return bank.go_on[said % len(bank.go_on)] if words else bank.silent


def _follow_up(role: RoleBank, last: str, text: str, asked: Set[str]) -> str | None:
    """On the topic that the answer names most often; never two follow-ups in a row, or one topic would take all."""
    follow_ups = {topic.name: topic.follow_up for topic in role.topics}
    if last in follow_ups.values():
        return None
    named = (follow_ups[name] for name, _ in role.mentions.count(text).most_common())
    return next((follow_up for follow_up in named if follow_up not in asked), None)


def _agenda(bank: LanguageBank, role: RoleBank, interview: Interview, asked: Set[str]) -> Iterator[str]:
    """All questions in the order in which they come up.

    The plan's level before the others; the role's own topics before the general ones; new topics before those that were
    spoken of; and otherwise as the interview's id has it.
    """
    banks = [role] if role is bank.general else [role, bank.general]

    def order(topic: Topic) -> tuple[bool, bytes]:
        shuffled = hashlib.sha256(f"{interview.interview_id} {topic.name}".encode()).digest()
        return not asked.isdisjoint(topic.texts), shuffled

    for level in _levels_from(interview.plan.skill_level):
        for each in banks:
            yield from (topic.by_level[level] for topic in sorted(each.topics, key=order))


def _levels_from(level: SkillLevel) -> list[SkillLevel]:
    """This one, then the easier ones, then the harder ones."""
    place = LEVELS.index(level)
    return [*reversed(LEVELS[: place + 1]), *LEVELS[place + 1 :]]
