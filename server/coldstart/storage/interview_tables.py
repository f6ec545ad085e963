"""The tables of interviews: the one description of them. Migrations make them, and a test holds the two together."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment that is UTC on both sides: SQLite keeps no time zone, and Postgres answers in that of its session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; a moment that is stored has one")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# Names by rule, so that a later migration can name what it changes in both kinds of database.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INTERVIEWS = Table(
    "interviews",
    METADATA,
    # Ascends in the order in which interviews were created, and is never given twice: pages go by it.
    Column("number", Integer, primary_key=True),
    Column("interview_id", String(32), nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("skill_level", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("question_count", Integer, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("finished_at", UtcDateTime),
    sqlite_autoincrement=True,
)

QUESTIONS = Table(
    "questions",
    METADATA,
    Column("interview", ForeignKey(INTERVIEWS.c.number, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("note", Text),
)

ANSWERS = Table(
    "answers",
    METADATA,
    Column("interview", Integer, primary_key=True, autoincrement=False),
    Column("question_number", Integer, primary_key=True, autoincrement=False),
    Column("received_at", UtcDateTime, nullable=False),
    # NULL: accepted, and not written down yet.
    Column("text", Text),
    Column("sound_name", Text),
    Column("sound_sha256", String(64)),
    Column("sound_size_bytes", BigInteger),
    Column("sound_media_type", Text),
    Column("segments", JSON, nullable=False),
    Column("duration_s", Float),
    ForeignKeyConstraint(
        ["interview", "question_number"], [QUESTIONS.c.interview, QUESTIONS.c.number], ondelete="CASCADE"
    ),
)

REPORTS = Table(
    "reports",
    METADATA,
    Column("interview", ForeignKey(INTERVIEWS.c.number, ondelete="CASCADE"), primary_key=True),
    Column("document", JSON, nullable=False),
)

WORKER_BEATS = Table(
    "worker_beats",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("models", JSON, nullable=False),
)
