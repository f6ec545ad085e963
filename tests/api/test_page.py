"""The page's files over HTTP."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.doubles import FakeNextTokenEngine
from tests.wheel_serving import core_over, wheel_client

STATIC = Path(__file__).parents[2] / "server" / "coldstart" / "api" / "page" / "static"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with wheel_client(core_over(tmp_path, FakeNextTokenEngine(), "tiny")) as client:
        yield client


@pytest.mark.parametrize("path", ["/", *(f"/static/{file.name}" for file in sorted(STATIC.iterdir()))])
async def test_every_file_is_served_under_a_strict_policy(client: httpx.AsyncClient, path: str) -> None:
    """Each file has its media type, a policy that allows nothing from outside, and is asked for again each time."""
    reply = await client.get(path)
    assert reply.status_code == 200
    assert reply.content == (STATIC / (path.removeprefix("/static/") if path != "/" else "index.html")).read_bytes()
    assert reply.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-cache"
    assert (await client.head(path)).status_code == 200


async def test_an_unchanged_file_is_not_sent_again(client: httpx.AsyncClient) -> None:
    """With the ETag it had, a file is 304 and empty; with another one it is sent."""
    etag = (await client.get("/")).headers["etag"]
    again = await client.get("/", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get("/", headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize("name", ["nothing.css", "..%2fpage.py", "%2e%2e", ".css", "page.py", "index.html/x"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    """Names of no file, or of a file elsewhere, are 404."""
    assert (await client.get(f"/static/{name}")).status_code == 404


def test_the_page_names_nothing_outside() -> None:
    """No file of the page has an address of another host, an inline script or an inline style."""
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        hosts = set(re.findall(r"https?://([\w.]+)", text)) - {"www.w3.org"}  # the name of SVG's namespace
        assert not hosts, file.name
        assert not re.search(r"<script(?![^>]*src=)|<style| style=|\son\w+=", text), file.name
