"""What the conversion of an architecture reads of a repository, and how a repository is told to be of one."""

import fnmatch
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from coldstart_harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture, in one form in which it is published.

    Args:
        name: as `python -m convert` knows it.
        task: what its models are for.
        required: files without which it is not converted; the first is what it is recognised by, beside its config.
        optional: patterns of files that are read where they are there.
        model_types: what config.json says of itself; none: nothing is said, or not always.
        parts: entries of the catalogue whose source the conversion reads, too.
    """

    name: str
    task: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    model_types: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def files_among(self, files: Collection[str]) -> list[str]:
        """Those that an entry pins.

        Raises:
            UsageError: a required one is not there.
        """
        missing = [file for file in self.required if file not in files]
        if missing:
            raise UsageError(f"a model of the architecture {self.name} needs {', '.join(missing)}, which is not there")
        chosen = {file for pattern in self.optional for file in fnmatch.filter(files, pattern)}
        return sorted(chosen | set(self.required))


_ARCHITECTURES = (
    Architecture("gpt2", "next-token", ("model.safetensors", "config.json", "tokenizer.json"), (), ("gpt2",)),
    # As CTranslate2 writes it, and as it is published for transformers.
    Architecture(
        "whisper",
        "speech-to-text",
        ("model.bin", "config.json", "tokenizer.json"),
        ("vocabulary.json", "vocabulary.txt", "preprocessor_config.json"),
    ),
    Architecture(
        "whisper",
        "speech-to-text",
        ("model.safetensors", "config.json", "tokenizer.json", "preprocessor_config.json"),
        ("generation_config.json",),
        ("whisper",),
    ),
    Architecture(
        "kokoro",
        "text-to-speech",
        ("onnx/model.onnx", "config.json", "tokenizer.json"),
        ("voices/*.bin",),
        ("style_text_to_speech_2",),
        ("starter-voice",),
    ),
)
NAMES = tuple(dict.fromkeys(architecture.name for architecture in _ARCHITECTURES))


def architecture_of(files: Collection[str], config: bytes, wanted: str | None = None) -> Architecture:
    """The architecture of a repository.

    Args:
        files: what it holds.
        config: its config.json.
        wanted: the architecture that a person names; None: it is to be recognised.

    Raises:
        UsageError: it is of none, or not of the one that is wanted.
    """
    model_type = _model_type(config)
    for architecture in _ARCHITECTURES:
        is_said = wanted == architecture.name if wanted else model_type in (architecture.model_types or (model_type,))
        if is_said and architecture.required[0] in files:
            return architecture
    if wanted and wanted not in NAMES:
        raise UsageError(f"there is no architecture {wanted!r}; there are: {', '.join(NAMES)}")
    raise UsageError(
        f"no conversion is known for what config.json calls {model_type!r} with the files {', '.join(sorted(files))}; "
        f"known architectures: {', '.join(NAMES)}"
    )


def _model_type(config: bytes) -> str | None:
    try:
        document: Mapping[str, Any] = json.loads(config)
        met = document.get("model_type")
    except (ValueError, AttributeError) as error:
        raise UsageError(f"config.json is not a JSON object: {error}") from None
    return met if isinstance(met, str) else None
