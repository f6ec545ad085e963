"""The document of a run, as `--json` writes it and `compare` reads it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coldstart_harness.errors import UsageError
from loadtests.record import Record, Series
from loadtests.verdict import Verdict

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Table):
    """One series of one request in one interval.

    Args:
        from_s: when the interval begins, in seconds from the run's start.
        name: of the request.
        series: what became of it.
        times: pairs of milliseconds (three digits) and how often.
    """

    from_s: Seconds
    name: str
    series: Series
    times: list[tuple[Seconds, Annotated[int, Field(ge=1)]]]


class Reason(_Table):
    """Why answers were not right."""

    name: str
    reason: str
    count: int


class RunDocument(_Table):
    """One run.

    Args:
        schema_version: of this form.
        host: what was under load.
        service: its name in the file of promises.
        profile: the shape of the load.
        users: the most at one time.
        began: when.
        duration_s: how long users came; answers that were under way then are in the intervals after it.
        interval_s: width of an interval.
        intervals: counts and times.
        reasons: why answers were not right.
        verdicts: the promises, and whether they were kept.
    """

    schema_version: Literal[1] = 1
    host: str
    service: str
    profile: str
    users: int
    began: datetime
    duration_s: Seconds
    interval_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    intervals: list[Interval]
    reasons: list[Reason]
    verdicts: list[Verdict]


def document_of(
    record: Record,
    verdicts: Sequence[Verdict],
    *,
    host: str,
    service: str,
    profile: str,
    users: int,
    began: datetime,
    duration_s: float,
) -> RunDocument:
    """The document of what was seen and judged."""
    grouped: dict[tuple[float, str, Series], list[tuple[float, int]]] = {}
    for from_s, name, series, milliseconds, count in record.rows():
        grouped.setdefault((from_s, name, series), []).append((milliseconds, count))
    return RunDocument(
        host=host,
        service=service,
        profile=profile,
        users=users,
        began=began,
        duration_s=duration_s,
        interval_s=record.interval_s,
        intervals=[
            Interval(from_s=from_s, name=name, series=series, times=times)
            for (from_s, name, series), times in grouped.items()
        ],
        reasons=[Reason(name=name, reason=why, count=count) for (name, why), count in record.reasons.most_common()],
        verdicts=list(verdicts),
    )


def read_document(path: Path) -> RunDocument:
    """The document in a file.

    Raises:
        UsageError: it cannot be read, or is no document of a run.
    """
    try:
        return RunDocument.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{path} is no document of a load test: {place}: {first['msg']}") from None
