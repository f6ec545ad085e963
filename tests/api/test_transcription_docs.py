"""docs/transcription.md against what it documents."""

import re
from pathlib import Path

from coldstart.api.openai_audio_schemas import TranscriptionForm, TranslationForm, form_documentation
from coldstart.runtime.budget import Budget
from coldstart.runtime.settings import Settings
from coldstart.services.transcription import TranscriptionMeasures

PAGE = (Path(__file__).parents[2] / "docs" / "transcription.md").read_text(encoding="utf-8")


def rows(pattern: str) -> list[tuple[str, str]]:
    """First cells of the page's tables that match, each with the rest of its row."""
    return re.findall(rf"^\| `({pattern})` \|(.*)$", PAGE, re.MULTILINE)


def test_the_documented_parts_are_the_forms() -> None:
    """Each part of a transcription's form, and which of them a translation's lacks."""
    parts = dict(rows(r"[a-z_]+(?:\[\])?"))
    parts.pop("transcription_queue_seconds")
    transcription, translation = (
        form_documentation(form)["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        for form in (TranscriptionForm, TranslationForm)
    )
    assert parts.keys() == transcription.keys()
    assert {name for name, row in parts.items() if "not for translations" in row} == transcription.keys() - translation


def test_the_documented_metrics_are_exported() -> None:
    """By their names in /metrics and their labels."""
    measures = TranscriptionMeasures(Budget(1, unit="seconds of sound"))
    measures.audio_seconds.labels("tiny").inc()
    measures.real_time_factor.labels("tiny").observe(1)
    exported = {family.name for collector in measures.collectors for family in collector.collect()}
    documented = {name for name, _ in rows(r"transcription_[a-z_]+(?:\{model\})?")}
    assert {re.sub(r"_total\b|\{.*", "", name) for name in documented} == exported


def test_the_documented_settings_exist() -> None:
    """Each word in capitals with an underscore is a setting."""
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", PAGE))
    assert named
    assert named <= {field.upper() for field in Settings.model_fields}
