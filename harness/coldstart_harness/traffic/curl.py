"""A request of the file of promises as a line for a terminal. Pure."""

import shlex
from collections.abc import Iterator

from coldstart_harness.slo.bodies import FormFile
from coldstart_harness.slo.document import Request


def curl_line(url: str, request: Request) -> str:
    """A command that sends the request and shows its answer, or keeps it where it is not text.

    Args:
        url: scheme, host and port.
        request: what is sent.
    """
    return shlex.join(["curl", "-s", *_arguments_of(request), url + request.path])


def _arguments_of(request: Request) -> Iterator[str]:
    if request.form is not None:
        # curl makes a boundary of its own.
        headers = request.headers
        for name, field in request.form.items():
            yield from (
                ("-F", f"{name}=@{field.file}") if isinstance(field, FormFile) else ("--form-string", f"{name}={field}")
            )
    else:
        headers = request.sent_headers
        if request.content is not None:
            yield from ("-d", request.content.decode())
    if request.verb != ("GET" if request.content is None else "POST"):
        yield from ("-X", request.verb)
    for name, value in headers.items():
        yield from ("-H", f"{name}: {value}")
    if request.expect.media_type is not None and not request.expect.media_type.startswith("text/"):
        # The last part of `audio/wav` is what such files are called.
        yield from ("-o", f"answer.{request.expect.media_type.rpartition('/')[2]}")
