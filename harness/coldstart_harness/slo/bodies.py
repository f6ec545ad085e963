"""What a request carries, as bytes, so that every client sends the same ones."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationInfo, model_validator

# Under its name in the context of a validation: the directory that paths of files are relative to.
DIRECTORY = "directory"
# As much as OpenAI's audio API takes.
FILE_BYTES_MAX = 25 * 1024 * 1024


class FormFile(BaseModel):
    """A file that a form sends, read once, when the file of promises is.

    Args:
        path: relative to the file of promises; the form gives the last part of it as the file's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    _file: Path = PrivateAttr(Path())
    _content: bytes = PrivateAttr(b"")

    @property
    def file(self) -> Path:
        """Where it was read."""
        return self._file

    @property
    def content(self) -> bytes:
        return self._content

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> "FormFile":
        self._file = file = (info.context or {}).get(DIRECTORY, Path()) / self.path
        try:
            with file.open("rb") as stream:
                self._content = stream.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
        if len(self._content) > FILE_BYTES_MAX:
            raise ValueError(f"{file} has {file.stat().st_size} bytes; a form sends at most {FILE_BYTES_MAX}")
        return self


def json_body(document: Any) -> tuple[bytes, str]:
    """A document as bytes, and their media type."""
    return json.dumps(document).encode(), "application/json"


def text_body(text: str) -> tuple[bytes, str]:
    """A text as bytes, and their media type."""
    return text.encode(), "text/plain; charset=utf-8"


def form_body(fields: Mapping[str, str | FormFile]) -> tuple[bytes, str]:
    """A form as bytes, texts before files, and their media type with the boundary (RFC 7578)."""
    files = {
        name: (Path(field.path).name, field.content) for name, field in fields.items() if isinstance(field, FormFile)
    }
    # A text, too, is a part of its own: without any file httpx would write a form of another media type.
    texts = {name: (None, field) for name, field in fields.items() if isinstance(field, str)}
    made = httpx.Request("POST", "http://form", files={**texts, **files})
    return made.read(), made.headers["content-type"]
