"""Forms with a file, as browsers and OpenAI's client send them, read within limits and in memory alone."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from coldstart.api.dependencies import core_of
from coldstart.domain.errors import InvalidInput, PayloadTooLarge

_FILE = "file"
_MAX_FIELDS = 64
_MAX_FIELD_BYTES = 64 * 1024
# Of a declared type that is none; real ones are shorter.
_TOLD_BYTES = 80
# What is parsed between two looks at other requests: a few milliseconds.
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """One form.

    Args:
        data: the bytes of its file.
        fields: each field with the values that it came with, in order.
    """

    data: bytes
    fields: Mapping[str, tuple[str, ...]]


async def read_upload(request: Request) -> Upload:
    """The request's form, whose one file is the part named `file`; its name and declared type are not looked at.

    Raises:
        RequestValidationError: the file is missing.
        InvalidInput: the body is no form, a broken one, or one with more fields or files than anybody needs.
        PayloadTooLarge: the file is larger than AUDIO_MAX_BYTES.
    """
    limit = core_of(request).settings.audio_max_bytes
    form = await _parse(request)
    try:
        return await _upload_in(form, limit)
    finally:
        await form.close()


async def _upload_in(form: FormData, limit: int) -> Upload:
    file = form.get(_FILE)
    if not isinstance(file, UploadFile):
        met = "Field required" if file is None else "A file is wanted; it came as text without a file name"
        raise RequestValidationError([{"type": "missing", "loc": ("body", _FILE), "msg": met}])
    data = await file.read()
    if len(data) > limit:
        raise PayloadTooLarge(f"the file has {len(data)} bytes; at most {limit} are taken")
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields[name] = (*fields.get(name, ()), value)
    return Upload(data, fields)


async def _parse(request: Request) -> FormData:
    content_type, _ = parse_options_header(request.headers.get("content-type"))
    if content_type != b"multipart/form-data":
        met = content_type[:_TOLD_BYTES].decode("latin-1") or "of no declared type"
        raise InvalidInput(f"the request body is {met}; multipart/form-data with a file is wanted")
    try:
        return await _MemoryParser(request).parse()
    except MultiPartException as error:
        raise InvalidInput(f"the form cannot be read: {error.message}") from None
    except ValueError as error:  # a text that is not in the character set that the form declares
        raise InvalidInput(f"the form cannot be read: {error}") from None


class _MemoryParser(MultiPartParser):
    """Starlette's parser, which would put files above 1 MiB on a disk that may be read-only."""

    spool_max_size = 0  # no limit: bodies are bounded before

    def __init__(self, request: Request) -> None:
        stream = self._pieces_of(request)
        super().__init__(request.headers, stream, max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
        self._complete = False

    def on_end(self) -> None:
        self._complete = True

    async def _pieces_of(self, request: Request) -> AsyncGenerator[bytes, None]:
        async for chunk in request.stream():
            for start in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[start : start + _PIECE_BYTES]
                await asyncio.sleep(0)
        if not self._complete:
            raise MultiPartException("Its last boundary is missing.")
