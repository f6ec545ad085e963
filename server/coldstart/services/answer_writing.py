"""The sound of an answer, written down."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from coldstart.domain.errors import NotFound, StorageFull
from coldstart.domain.interview import Answer, SpokenSegment
from coldstart.domain.transcription import TranscriptionOptions
from coldstart.services.transcription import TranscriptionParameters, Transcriptions


@dataclass(frozen=True, slots=True)
class WrittenSound:
    """What is said in a sound.

    Args:
        text: in one line; empty where nobody speaks.
        segments: in order.
        duration_s: of the sound.
    """

    text: str
    segments: tuple[SpokenSegment, ...]
    duration_s: float


async def written_sound(
    transcriptions: Transcriptions,
    data: bytes,
    language: str,
    *,
    when_taken: Callable[[], Awaitable[None]] | None = None,
) -> WrittenSound:
    """Write a sound down with the process's first recogniser.

    Args:
        transcriptions: of this event loop.
        data: a sound file of any kind.
        language: ISO 639-1 code of what is probably spoken; a recogniser that does not know it finds out by itself.
        when_taken: as `TranscriptionRun.windows`.

    Raises:
        InvalidInput, PayloadTooLarge: the sound cannot be decoded, or is too long.
        Unavailable, EngineFailed, NotFound: there is no room, the recogniser is not ready, it failed, or there is none.
    """
    knows = transcriptions.model_for(None, TranscriptionOptions()).engine.languages
    options = TranscriptionOptions(language=language if language in knows else None)
    run = transcriptions.begin(data, TranscriptionParameters(options=options))
    segments = [
        SpokenSegment(segment.start_s, segment.end_s, segment.text.strip())
        async for window in run.windows(when_taken)
        for segment in window.segments
    ]
    said = tuple(segment for segment in segments if segment.text)
    return WrittenSound(" ".join(segment.text for segment in said), said, run.duration_s)


class Transcripts(Protocol):
    """What is kept beside sounds. Blocking."""

    def write_transcript(self, interview_id: str, question_number: int, document: bytes) -> None:
        """Raises: StorageFull; NotFound: the interview has no files."""
        ...


def keep_transcript(transcripts: Transcripts, interview_id: str, answer: Answer) -> None:
    """Keep what an answer says beside its sound. Blocking.

    The database has it already, so a disk that takes no more is told in the log, and is no failure of the answer.
    """
    try:
        transcripts.write_transcript(interview_id, answer.question_number, transcript_of(answer))
    except NotFound:
        pass  # the interview was deleted meanwhile
    except (OSError, StorageFull) as error:
        reason = str(error) if isinstance(error, StorageFull) else error.strerror or type(error).__name__
        structlog.get_logger("coldstart.interview").warning("transcript_not_kept", reason=reason)


def transcript_of(answer: Answer) -> bytes:
    """What is kept beside a sound of what is said in it: JSON, times in seconds from its start."""
    document = {
        "text": answer.text,
        "duration": answer.duration_s,
        "segments": [
            {"start": segment.start_s, "end": segment.end_s, "text": segment.text} for segment in answer.segments
        ],
    }
    return json.dumps(document, ensure_ascii=False).encode()
