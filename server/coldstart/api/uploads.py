"""Forms with a file, as browsers and OpenAI's client send them, read within limits: into memory, or piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from fastapi.exceptions import RequestValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from coldstart.api.dependencies import core_of
from coldstart.domain.errors import InvalidInput, PayloadTooLarge
from coldstart.runtime.blocking import to_its_end

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


async def stream_upload(request: Request, write: Callable[[bytes], None]) -> Mapping[str, tuple[str, ...]]:
    """The fields of the request's form, whose one file is the part named `file` and goes out piece by piece.

    Args:
        request: its body has not been read.
        write: takes the file's bytes, in a thread.

    Raises:
        RequestValidationError, InvalidInput, PayloadTooLarge: as `read_upload`.
        Exception: what `write` raises.
    """
    parser = _PassingParser(request, write, core_of(request).settings.audio_max_bytes)
    form = await _parsed(request, parser)
    _file_in(form)
    return _fields_in(form)


async def read_json(request: Request, limit: int) -> bytes:
    """The body of a request whose body has not been read.

    Raises:
        PayloadTooLarge: it has more bytes than `limit`.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise PayloadTooLarge(f"the request body has at least {len(body)} bytes; at most {limit} are taken")
    return bytes(body)


async def _upload_in(form: FormData, limit: int) -> Upload:
    data = await _file_in(form).read()
    if len(data) > limit:
        raise PayloadTooLarge(f"the file has {len(data)} bytes; at most {limit} are taken")
    return Upload(data, _fields_in(form))


def _file_in(form: FormData) -> UploadFile:
    file = form.get(_FILE)
    if not isinstance(file, UploadFile):
        met = "Field required" if file is None else "A file is wanted; it came as text without a file name"
        raise RequestValidationError([{"type": "missing", "loc": ("body", _FILE), "msg": met}])
    return file


def _fields_in(form: FormData) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields[name] = (*fields.get(name, ()), value)
    return fields


async def _parse(request: Request) -> FormData:
    return await _parsed(request, _MemoryParser(request))


async def _parsed(request: Request, parser: "_Parser") -> FormData:
    content_type, _ = parse_options_header(request.headers.get("content-type"))
    if content_type != b"multipart/form-data":
        met = content_type[:_TOLD_BYTES].decode("latin-1") or "of no declared type"
        raise InvalidInput(f"the request body is {met}; multipart/form-data with a file is wanted")
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise InvalidInput(f"the form cannot be read: {error.message}") from None
    except ValueError as error:  # a text that is not in the character set that the form declares
        raise InvalidInput(f"the form cannot be read: {error}") from None


class _Parser(MultiPartParser):
    """Starlette's parser, which refuses a form that breaks off."""

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


class _MemoryParser(_Parser):
    """As it is, it would put files above 1 MiB on a disk that may be read-only."""

    spool_max_size = 0  # no limit: bodies are bounded before


class _PassingParser(_Parser):
    """Hands the file on instead of keeping it; what comes under another name than `file` is read and dropped."""

    def __init__(self, request: Request, write: Callable[[bytes], None], limit: int) -> None:
        super().__init__(request)
        self._sink = _Sink(write, limit)

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        part = self._current_part
        if part.file is not None:
            part.file.file.close()  # nothing is in it
            sink = self._sink if part.field_name == _FILE else _Sink(lambda _: None, self._sink.limit)
            part.file = _PassedFile(cast(BinaryIO, sink), filename=part.file.filename, headers=part.file.headers)


class _PassedFile(UploadFile):
    """Written to in a thread that also a cancelled request waits for: it closes what the bytes go to afterwards."""

    async def write(self, data: bytes) -> None:
        await to_its_end(self.file.write, data)


class _Sink:
    """A file that is only written: what `UploadFile` calls of it."""

    def __init__(self, write: Callable[[bytes], None], limit: int) -> None:
        self.limit = limit
        self._write = write
        self._size_bytes = 0

    def write(self, data: bytes) -> None:
        self._size_bytes += len(data)
        if self._size_bytes > self.limit:
            raise PayloadTooLarge(f"the file has at least {self._size_bytes} bytes; at most {self.limit} are taken")
        self._write(data)

    def seek(self, offset: int) -> None:
        """To its beginning, once it is whole."""

    def close(self) -> None:
        """Whoever takes the bytes closes what he has put them into."""
