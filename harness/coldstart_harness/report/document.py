"""The form of `report.json`: written, published as a JSON schema, and read again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from coldstart_harness.errors import UsageError
from coldstart_harness.machine import EngineFacts, MachineFacts
from coldstart_harness.proofs.proof import Effort
from coldstart_harness.proofs.result import Outcome, ProofResult, Verdict

# Raised when a field is renamed, removed or changes its meaning; new fields do not raise it.
SCHEMA_VERSION: Literal[1] = 1
SCHEMA_ID = f"https://github.com/coldstart/coldstart/blob/main/docs/schemas/report-{SCHEMA_VERSION}.json"


@dataclass(frozen=True, slots=True)
class Subject:
    """What was proved.

    Args:
        reference: the image as the engine knows it; of what Nix builds, as Nix calls it.
        image_id: the digest of its config; None: nothing was loaded into an engine.
        size_bytes: uncompressed, as the engine counts; None likewise.
        version: what the image says of itself in `org.opencontainers.image.version`; empty where it says nothing.
        revision: likewise.
    """

    reference: str
    image_id: str | None = None
    size_bytes: int | None = None
    version: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class PromiseFile:
    """The file that the promises' bounds are from: its name, and the hash of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many promises were found so."""

    kept: int
    broken: int
    not_shown: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run of proofs found.

    Args:
        schema_version: of this form.
        harness_version: of the tool.
        taken_at: the run's begin, ISO 8601, UTC.
        machine: where it ran.
        engine: where the containers ran.
        subject: what was proved.
        older: the image that it was compared with, as the person named it; None: there was none.
        gpu: containers were given all GPUs.
        promises: where the bounds are from; None: no bound is from a file.
        effort: how much was asked.
        interrupted: it was ended before all proofs had run.
        counts: the promises of all proofs.
        questions: proof → what it asks.
        proofs: in the order in which they ran.
    """

    schema_version: Literal[1]
    harness_version: str
    taken_at: str
    machine: MachineFacts
    engine: EngineFacts
    subject: Subject
    older: str | None
    gpu: bool
    promises: PromiseFile | None
    effort: Effort
    interrupted: bool
    counts: Counts
    questions: Mapping[str, str]
    proofs: tuple[ProofResult, ...]

    @property
    def verdicts(self) -> list[tuple[ProofResult, Verdict]]:
        """Every verdict, with the result that it is of."""
        return [(result, verdict) for result in self.proofs for verdict in result.verdicts]

    def found(self, outcome: Outcome) -> list[tuple[ProofResult, Verdict]]:
        """The verdicts of one outcome."""
        return [(result, verdict) for result, verdict in self.verdicts if verdict.outcome == outcome]


_FORM: TypeAdapter[Report] = TypeAdapter(Report)


def counts_of(results: Sequence[ProofResult]) -> Counts:
    """How many promises were kept, broken and not shown."""
    outcomes = [verdict.outcome for result in results for verdict in result.verdicts]
    return Counts(outcomes.count("kept"), outcomes.count("broken"), outcomes.count("not shown"))


def document_of(report: Report) -> str:
    """The report as JSON text."""
    return _FORM.dump_json(report, indent=2).decode() + "\n"


def schema() -> dict[str, Any]:
    """The JSON schema of `report.json`. Unknown fields are allowed: a later tool of the same version may add some."""
    schema = _FORM.json_schema(mode="serialization")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "$id": SCHEMA_ID, **schema, "title": "Report of proofs"}


def read_report(path: Path) -> Report:
    """A report that was written before.

    Raises:
        UsageError: the file is missing, no report, or of another version of the form.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a report: {error}") from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(f"{path} is a report of version {version}; this tool reads version {SCHEMA_VERSION}")
    try:
        return _FORM.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is no report of proofs: {place}: {first['msg']}") from None
