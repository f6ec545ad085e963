"""The wheel's page and its files, from beside this module."""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_DIRECTORY = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Asked again each time, and answered by 304: a new image's page is never mixed with an old one's script.
    "cache-control": "no-cache",
}


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page."""
    return _reply(request, "index.html")


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static_file(name: str, request: Request) -> Response:
    """One of the page's files."""
    return _reply(request, name)


def _reply(request: Request, name: str) -> Response:
    """The file as it is now: the files are few and small, and whoever edits one wants to see it."""
    media_type = _MEDIA_TYPES.get(name.rpartition(".")[2])
    file = _DIRECTORY / name
    if media_type is None or not file.is_file():
        raise HTTPException(404)
    content = file.read_bytes()
    # Of the content, for in an image all files have one and the same time.
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
