"""What the question bank holds, and how its files are read."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from coldstart.domain.errors import ConfigurationError
from coldstart.domain.interview import SkillLevel
from coldstart.services.interview_words import Phrases, words_of

# From the easiest.
LEVELS: tuple[SkillLevel, ...] = get_args(SkillLevel)
_GENERAL = "general"
_PHRASES = "phrases"


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that a role's holder knows about.

    Args:
        name: as notes name it; one of its kind in a role.
        by_level: a question for each skill level.
        follow_up: asked when an answer mentions the topic.
    """

    name: str
    by_level: Mapping[SkillLevel, str]
    follow_up: str

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is asked about it."""
        return (*self.by_level.values(), self.follow_up)


@dataclass(frozen=True, slots=True)
class RoleBank:
    """The questions for one kind of role.

    Args:
        opening: the first question.
        topics: in the order of the file.
        mentions: topic's name → the words in an answer that mean it.
    """

    opening: str
    topics: tuple[Topic, ...]
    mentions: Phrases


@dataclass(frozen=True, slots=True)
class LanguageBank:
    """All questions in one language.

    Args:
        roles: how roles are called → their questions.
        general: questions for all other roles.
        go_on: what is said to an answer of a few words.
        silent: what is said to an answer without words.
        not_known: the words of those who do not know.
        role_names: the keys of `roles`, to be found in what a role is called.
    """

    roles: Mapping[str, RoleBank]
    general: RoleBank
    go_on: tuple[str, ...]
    silent: str
    not_known: Phrases
    role_names: Phrases

    def role_of(self, role: str) -> RoleBank:
        """The questions for the role whose name has the most words in common; the general ones where none has any."""
        names = sorted(self.role_names.count(role), key=lambda name: len(words_of(name)))
        return self.roles[names[-1]] if names else self.general


def read_language(directory: Path) -> LanguageBank:
    """The bank of one language: `phrases.toml`, `general.toml`, and one file for each kind of role.

    Raises:
        ConfigurationError: a file is missing or broken, or lacks something.
    """
    phrases, documents = _document(directory / f"{_PHRASES}.toml"), {}
    for path in sorted(directory.glob("*.toml")):
        if path.stem != _PHRASES:
            documents[path.stem] = _document(path)
    try:
        banks = {name: _role_bank(document) for name, document in documents.items()}
        roles = {role: banks[name] for name, document in documents.items() for role in document["roles"]}
        return LanguageBank(
            roles=roles,
            general=banks[_GENERAL],
            go_on=tuple(phrases["go_on"]),
            silent=phrases["silent"],
            not_known=Phrases({"not known": phrases["not_known"]}),
            role_names=Phrases({role: [role] for role in roles}),
        )
    except KeyError as error:
        raise ConfigurationError(f"the question bank in {directory} lacks {error}") from None


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the question bank's file {path} cannot be read: {error}") from None


def _role_bank(document: Mapping[str, Any]) -> RoleBank:
    topics = tuple(_topics(document))
    mentions = Phrases({topic["name"]: topic["mentions"] for topic in document["topics"]})
    return RoleBank(document["opening"], topics, mentions)


def _topics(document: Mapping[str, Any]) -> Iterator[Topic]:
    for topic in document["topics"]:
        yield Topic(topic["name"], {level: topic[level] for level in LEVELS}, topic["follow_up"])
