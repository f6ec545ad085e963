"""The question bank: what it asks after which answer."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.interview_cases import interview, plan, spoken, typed

from coldstart.domain.errors import ConfigurationError
from coldstart.domain.interview import Interview, InterviewPlan, Question
from coldstart.services import question_bank
from coldstart.services.interview_analysis import answer_reports
from coldstart.services.interview_words import words_of
from coldstart.services.question_bank import QuestionBank
from coldstart.services.question_bank.questions import LEVELS, LanguageBank, read_language

ENGLISH = Path(question_bank.__file__).parent / "languages" / "en"
ROLES = ("software engineer", "data scientist", "machine learning engineer", "support", "zoo keeper")
# Long enough, and about nothing that the bank knows.
PLAIN = "That is how it went and there is not much else to it."


@pytest.fixture(scope="module")
def bank() -> QuestionBank:
    return QuestionBank()


@pytest.fixture(scope="module")
def english() -> LanguageBank:
    return read_language(ENGLISH)


async def after(bank: QuestionBank, *turns: tuple[str, str], of: InterviewPlan | None = None) -> str:
    """The question that follows."""
    question = await bank.next_question(interview(of, turns))
    assert question is not None
    return question.text


async def asked(bank: QuestionBank, of: InterviewPlan, *, answer: str = PLAIN, seed: int = 0) -> list[Question]:
    """All questions of an interview in which every answer is the same."""
    questions: list[Question] = []
    while True:
        turns = [(question.text, answer) for question in questions]
        question = await bank.next_question(interview(of, turns, seed=seed))
        if question is None:
            return questions
        questions.append(question)


def first_topic_question(english: LanguageBank, name: str, role: str = "software engineer") -> str:
    return next(topic.by_level["middle"] for topic in english.role_of(role).topics if topic.name == name)


async def test_as_many_questions_as_planned_are_asked(bank: QuestionBank) -> None:
    """Numbered from 1, from the bank, with nothing to excuse; then none."""
    questions = await asked(bank, plan(questions=5))
    assert [question.number for question in questions] == [1, 2, 3, 4, 5]
    assert {(question.source, question.note) for question in questions} == {("bank", None)}


async def test_the_same_interview_is_asked_the_same(bank: QuestionBank) -> None:
    """By another process too; and another interview is asked in another order."""
    again = await asked(QuestionBank(), plan(), seed=3)
    assert await asked(bank, plan(), seed=3) == again
    orders = {tuple(question.text for question in await asked(bank, plan(), seed=seed)) for seed in range(10)}
    assert len(orders) > 5


@pytest.mark.parametrize("role", ROLES)
async def test_no_question_comes_twice(bank: QuestionBank, role: str) -> None:
    """Also where more are planned than there are: then the interview ends."""
    for answer in (PLAIN, "I don't know", "We plan tests of a model and ask the customer to reproduce it"):
        texts = [question.text for question in await asked(bank, plan(role, questions=100), answer=answer)]
        assert len(set(texts)) == len(texts)
        assert 19 <= len(texts) <= 50


async def test_levels_ask_differently(bank: QuestionBank) -> None:
    """Five questions of a level have one in common with those of another: the opening."""
    texts = [{question.text for question in await asked(bank, plan(level=level))} for level in LEVELS]
    assert all(len(one & other) == 1 for one in texts for other in texts if one is not other)


@pytest.mark.parametrize(
    ("role", "like"),
    [
        ("Senior Software Engineer (Payments)", "software engineer"),
        ("ML engineer", "machine learning engineer"),
        ("Data-driven DATA SCIENTIST", "data scientist"),
        ("software engineer, machine learning engineer", "machine learning engineer"),
        ("2nd level technical support", "support"),
        ("supporter of engineering", "zoo keeper"),
        ("<b>;--", "zoo keeper"),
    ],
)
async def test_roles_are_known_by_whole_words(bank: QuestionBank, role: str, like: str) -> None:
    """The longest name wins, and what is no known role is asked the general questions."""
    assert await asked(bank, plan(role)) == await asked(bank, plan(like))


async def test_a_short_answer_is_asked_to_go_on_once(bank: QuestionBank, english: LanguageBank) -> None:
    """Who then says no more is asked something else; the next short answer is met with other words."""
    turns = [("Why?", "Because it was.")]
    for go_on in english.go_on:
        said = await after(bank, *turns, of=plan(questions=20))
        assert said == go_on
        turns.append((said, "No."))
        other = await after(bank, *turns, of=plan(questions=20))
        assert other not in english.go_on
        turns.append((other, "Yes."))


@pytest.mark.parametrize("silence", ["", " \n", "...", "—"])
async def test_an_answer_without_words_is_asked_again(bank: QuestionBank, english: LanguageBank, silence: str) -> None:
    """Once; the second time the interview goes on."""
    assert await after(bank, ("Why?", silence)) == english.silent
    assert await after(bank, ("Why?", silence), (english.silent, silence)) not in (english.silent, *english.go_on)


@pytest.mark.parametrize("answer", ["I don't know.", "No idea, sorry", "I’m not sure about that", "Skip this please"])
async def test_who_does_not_know_is_asked_something_easier(
    bank: QuestionBank, english: LanguageBank, answer: str
) -> None:
    """The same topic one level below; then another topic."""
    topic = next(topic for topic in english.role_of("software engineer").topics if topic.name == "databases")
    hard, easy = topic.by_level["middle"], topic.by_level["junior"]
    assert await after(bank, (hard, answer)) == easy
    assert await after(bank, (hard, answer), (easy, answer)) not in topic.texts


async def test_not_knowing_in_a_long_answer_is_something_else(bank: QuestionBank, english: LanguageBank) -> None:
    """An answer that goes on is taken for one."""
    question = first_topic_question(english, "databases")
    answer = "I do not know who had written it, but the tests were there and we added more of them every week."
    follow_ups = {topic.follow_up for topic in english.role_of("software engineer").topics}
    assert await after(bank, (question, answer)) in follow_ups


async def test_a_topic_that_is_named_is_followed_up(bank: QuestionBank, english: LanguageBank) -> None:
    """The one that is named most often; not twice in a row, and never a second time."""
    topics = {topic.name: topic for topic in english.role_of("software engineer").topics}
    answer = "There was a bug, and then we wrote a unit test and another test for it."
    first = await after(bank, ("Why?", answer))
    assert first == topics["testing"].follow_up
    second = await after(bank, ("Why?", answer), (first, answer))
    assert second in {topic.by_level["middle"] for topic in topics.values()}
    third = await after(bank, ("Why?", answer), (first, answer), (second, answer))
    assert third == topics["debugging"].follow_up


async def test_a_part_of_a_word_names_no_topic(bank: QuestionBank, english: LanguageBank) -> None:
    """A contest is no test."""
    answer = "It was a contest with the greatest of all protesters in it."
    follow_ups = {topic.follow_up for topic in english.role_of("software engineer").topics}
    assert await after(bank, ("Why?", answer)) not in follow_ups


async def test_another_answer_leads_to_a_new_topic(bank: QuestionBank, english: LanguageBank) -> None:
    """One that nothing was asked about yet, at the level of the plan."""
    topics = english.role_of("software engineer").topics
    turns = [(topic.by_level["middle"], PLAIN) for topic in topics[:3]]
    assert await after(bank, *turns) in {topic.by_level["middle"] for topic in topics[3:]}


async def test_an_answer_that_nobody_wrote_down_leads_on(bank: QuestionBank) -> None:
    """Nothing can be told of it."""
    question = await bank.next_question(interview(turns=[("Why?", spoken(1, None))]))
    assert question is not None
    assert question.number == 2


async def test_another_language_is_asked_in_english_and_told_so(bank: QuestionBank) -> None:
    """In a sentence that names it; its regions are the same language."""
    [german] = await asked(bank, plan(language="de", questions=1))
    assert german.note == "The question bank has no questions in German: this one is in English."
    [unknown] = await asked(bank, plan(language="xx", questions=1))
    assert unknown.note is not None
    assert "the language 'xx'" in unknown.note
    [british] = await asked(bank, plan(language="en-GB", questions=1))
    assert (british.text, british.note) == (german.text, None)


@pytest.mark.parametrize("role", ROLES)
def test_what_the_bank_says_can_be_spoken(english: LanguageBank, role: str) -> None:
    """Every text is a sentence or two, ends as one, has no markup, and is there once."""
    texts = [english.role_of(role).opening, english.silent, *english.go_on]
    texts += [text for topic in english.role_of(role).topics for text in topic.texts]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert 4 <= len(words_of(text)) <= 40, text
        assert re.fullmatch(r"[A-Z][\w ,.:;'-]*[.?]", text), text


@pytest.mark.parametrize("path", sorted(ENGLISH.glob("*.toml")), ids=lambda path: path.stem)
def test_a_word_means_one_topic_of_a_role(path: Path) -> None:
    """Otherwise the last topic would take it from the others in silence; a role belongs to one file alone."""
    topics = tomllib.loads(path.read_text()).get("topics", [])
    words = [tuple(words_of(word)) for topic in topics for word in topic["mentions"]]
    assert sorted(set(words)) == sorted(words)
    roles = [role for each in ENGLISH.glob("*.toml") for role in tomllib.loads(each.read_text()).get("roles", [])]
    assert sorted(set(roles)) == sorted(roles)


@pytest.mark.parametrize(
    ("content", "message"),
    [("roles = [", "cannot be read"), ("roles = []", "lacks 'opening'|lacks 'topics'")],
)
def test_a_broken_bank_is_told(tmp_path: Path, content: str, message: str) -> None:
    """At the start, with the file or directory."""
    (tmp_path / "phrases.toml").write_text((ENGLISH / "phrases.toml").read_text())
    (tmp_path / "general.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=message) as told:
        read_language(tmp_path)
    assert str(tmp_path) in str(told.value)


async def noted(bank: QuestionBank, of: Interview) -> list[str]:
    notes, source, _ = await bank.notes_on(of, answer_reports(of))
    assert source == "bank"
    return list(notes)


async def test_notes_tell_how_it_was_spoken(bank: QuestionBank) -> None:
    """Pace, fillers, pauses, short answers and topics; one sentence each."""
    words = "um we wrote a test for the database and another test for the queue and then it all worked"
    answers = [spoken(1, words, (0.0, 3.5), (8.0, 9.5)), typed(2, "er no"), None]
    assert await noted(bank, interview(turns=[("Why?", answer) for answer in answers])) == [
        "Questions answered: 2 of 3.",
        "The pace is fast: 228 words a minute over 5 s of speech.",
        "There are many fillers, 2 in 21 words; the most frequent is “er” (1).",
        "The longest pause is of 4.5 s, in the answer to question 1.",
        "The answer to question 2 has fewer than 15 words.",
        "The answers mention testing, databases and concurrency.",
    ]


async def test_notes_on_nothing_say_that(bank: QuestionBank) -> None:
    """And no more."""
    assert await noted(bank, interview()) == ["Questions answered: 0 of 0."]
    assert await noted(bank, interview(turns=[("Why?", "")])) == ["Questions answered: 0 of 1."]


async def test_notes_on_another_language_say_that_they_are_english(bank: QuestionBank) -> None:
    """As questions do."""
    of = interview(plan(language="de"), [("Why?", "Ähm, also, halt so")])
    _, _, note = await bank.notes_on(of, answer_reports(of))
    assert note is not None
    assert note.startswith("The question bank has no questions in German")
