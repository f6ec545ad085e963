"""Interviews, their questions, answers and reports, and the heartbeats of workers."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    _create_interviews(op)
    _create_answers(op)
    op.create_table(
        "reports",
        sa.Column("interview", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("interview", name="pk_reports"),
        sa.ForeignKeyConstraint(["interview"], ["interviews.number"], name="fk_reports_interviews", ondelete="CASCADE"),
    )
    op.create_table(
        "worker_beats",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("models", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_worker_beats"),
    )


def _create_interviews(op: Operations) -> None:
    op.create_table(
        "interviews",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("interview_id", sa.String(32), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("skill_level", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("question_count", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("number", name="pk_interviews"),
        sa.UniqueConstraint("interview_id", name="uq_interviews_interview_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_interviews_state", "interviews", ["state"])
    op.create_index("ix_interviews_created_at", "interviews", ["created_at"])


def _create_answers(op: Operations) -> None:
    op.create_table(
        "questions",
        sa.Column("interview", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("interview", "number", name="pk_questions"),
        sa.ForeignKeyConstraint(
            ["interview"], ["interviews.number"], name="fk_questions_interviews", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "answers",
        sa.Column("interview", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("question_number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("sound_name", sa.Text),
        sa.Column("sound_sha256", sa.String(64)),
        sa.Column("sound_size_bytes", sa.BigInteger),
        sa.Column("sound_media_type", sa.Text),
        sa.Column("segments", sa.JSON, nullable=False),
        sa.Column("duration_s", sa.Float),
        sa.PrimaryKeyConstraint("interview", "question_number", name="pk_answers"),
        sa.ForeignKeyConstraint(
            ["interview", "question_number"],
            ["questions.interview", "questions.number"],
            name="fk_answers_questions",
            ondelete="CASCADE",
        ),
    )
