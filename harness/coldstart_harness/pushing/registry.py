"""One repository of a registry, by the OCI distribution API: blobs, manifests, and who refers to a manifest.

skopeo, which copies images elsewhere in this project, cannot attach papers to one, and only the genuine inputs have it.
"""

import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from coldstart_harness.errors import HarnessError, RegistryFailed, UsageError
from coldstart_harness.pushing.access import authorization, refused
from coldstart_harness.pushing.documents import INDEX_TYPE, MANIFEST_TYPE, Blob, Document
from coldstart_harness.pushing.logins import Login
from coldstart_harness.pushing.replies import reply_to
from coldstart_harness.pushing.target import Target

# Uploads of a blob are answered when the registry has stored it.
_TIMEOUT = httpx.Timeout(120.0, connect=15.0)
_BLOCK_BYTES = 1 << 20
# Created, says the specification; some registries leave it at that it went well.
_STORED = (201, 200, 204)
_NAME_CODES = ("NAME_INVALID", "NAME_UNKNOWN", "TAG_INVALID")
# Where systems keep their certificates, a company's own among them; else those that httpx brings.
_CERTIFICATES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))

Sent = Callable[[int], None]


class Registry:
    """Speaks to one repository; blocking, not thread-safe. Proxies come from the environment.

    Args:
        target: the repository; its tag plays no part here.
        login: a stored login; None: none is needed, it is hoped.
        tls_verify: False accepts any certificate, and plain HTTP where the registry speaks no TLS.
    """

    def __init__(self, target: Target, login: Login | None, *, tls_verify: bool = True) -> None:
        self._target = target
        self._login = login
        self._tls_verify = tls_verify
        self._authorization = ""
        self._client = httpx.Client(verify=_tls_context(verify=tls_verify), timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        """Find the registry and ask it for the tag: nothing is built for one that does not answer or know the login.

        Whether the repository may be written to it says when something is sent.

        Raises:
            RegistryFailed: it does not answer, or refuses the login.
            UsageError: what stands for its host is none.
        """
        try:
            self._client.base_url = httpx.URL(self._address())
            self._call("HEAD", self._url(f"manifests/{self._target.tag}"), wanted=(200, 404))
        except (httpx.InvalidURL, UnicodeError) as error:
            self._client.close()
            raise UsageError(f"{self._target.host!r} is no HOST or HOST:PORT: {error}") from None
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_failure: object) -> None:
        self._client.close()

    def has(self, digest: str) -> bool:
        """Whether the repository holds that blob."""
        return self._call("HEAD", self._url(f"blobs/{digest}"), wanted=(200, 404)).status_code == httpx.codes.OK

    def send(self, blob: Blob, sent: Sent = lambda _count: None) -> None:
        """Upload a blob that the repository lacks; `sent` is called with the number of bytes of each block.

        Raises:
            RegistryFailed: the registry does not take it, or has it sent without TLS; what it took before stays there.
        """
        location = self._call("POST", self._url("blobs/uploads/"), wanted=(202,)).headers.get("Location", "")
        joint = "&" if "?" in location else "?"
        url = urljoin(str(self._client.base_url), f"{location}{joint}{urlencode({'digest': blob.digest})}")
        if urlsplit(url).scheme != "https" and self._client.base_url.scheme == "https":
            raise RegistryFailed(
                f"{self._target.registry} has blobs sent to {urlsplit(url).hostname} without TLS; "
                "wanted an address that begins with https://"
            )
        self._call("PUT", url, blob=blob, sent=sent, wanted=_STORED)

    def manifest(self, reference: str) -> bytes | None:
        """The bytes of the manifest or index behind a tag or a digest; None where there is none."""
        headers = {"Accept": f"{MANIFEST_TYPE}, {INDEX_TYPE}"}
        reply = self._call("GET", self._url(f"manifests/{reference}"), headers=headers, wanted=(200, 404))
        return reply.content if reply.status_code == httpx.codes.OK else None

    def put(self, document: Document, reference: str) -> bool:
        """Store a manifest or index, all parts of which are there, under a tag or its digest.

        Returns:
            Whether the registry says that it lists the document with what it refers to.

        Raises:
            RegistryFailed: the registry does not take it, or answers with another digest.
        """
        headers = {"Content-Type": document.media_type}
        url = self._url(f"manifests/{reference}")
        reply = self._call("PUT", url, headers=headers, content=document.content, wanted=_STORED)
        stored = reply.headers.get("Docker-Content-Digest", document.digest)
        if stored != document.digest:
            raise RegistryFailed(f"{self._target.registry} stored {reference} as {stored}; built was {document.digest}")
        return "OCI-Subject" in reply.headers

    def referrers(self, digest: str) -> list[dict[str, Any]]:
        """Descriptors of what refers to a manifest: from the registry's own list, else from the tag that stands for it.

        Raises:
            RegistryFailed: what is there is no such list: whoever adds to it would write over it.

        Source: OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".
        """
        reply = self._call("GET", self._url(f"referrers/{digest}"), headers={"Accept": INDEX_TYPE}, wanted=None)
        if reply.status_code == httpx.codes.OK:
            return self._descriptors(reply.content, digest)
        content = self.manifest(referrers_tag(digest))
        return [] if content is None else self._descriptors(content, digest)

    def _descriptors(self, content: bytes, digest: str) -> list[dict[str, Any]]:
        try:
            # Null where the list is empty, in some registries.
            return [dict(descriptor) for descriptor in json.loads(content)["manifests"] or []]
        except (ValueError, KeyError, TypeError):
            raise RegistryFailed(
                f"{self._target.registry} has something else than a list of what refers to {digest}; "
                f"look at the tag {referrers_tag(digest)}"
            ) from None

    def _url(self, path: str) -> str:
        return f"{self._client.base_url}v2/{self._target.repository}/{path}"

    def _address(self) -> str:
        """TLS first; without it only if that was allowed and TLS did not work."""
        address = f"https://{self._target.host}/"
        if self._tls_verify:
            return address
        try:
            reply_to(self._client, "GET", f"{address}v2/")
        except httpx.TransportError:
            return f"http://{self._target.host}/"
        return address

    def _call(
        self,
        method: str,
        url: str,
        *,
        wanted: tuple[int, ...] | None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        blob: Blob | None = None,
        sent: Sent = lambda _count: None,
    ) -> httpx.Response:
        """One request, repeated with a new token where the registry asks for one; any status is wanted if None is."""

        def ask() -> httpx.Response:
            # What is read may be elsewhere, in a store that the registry redirects to; what is sent goes where it said.
            follow = method in ("GET", "HEAD")
            with _body(blob, content, sent) as (body, length):
                all_headers = {**length, **(headers or {}), **self._credentials(url)}
                return reply_to(self._client, method, url, headers=all_headers, content=body, follow_redirects=follow)

        try:
            reply = ask()
            if reply.status_code == httpx.codes.UNAUTHORIZED and self._is_own(url):
                challenges = reply.headers.get_list("WWW-Authenticate")
                self._authorization = authorization(self._client, self._target, self._login, challenges)
                reply = ask()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryFailed(self._unreachable(error)) from None
        if wanted is not None and reply.status_code not in wanted:
            raise self._unwanted(method, url, reply)
        return reply

    def _credentials(self, url: str) -> dict[str, str]:
        """For the registry's own address alone: it may have blobs sent elsewhere."""
        return {"Authorization": self._authorization} if self._authorization and self._is_own(url) else {}

    def _is_own(self, url: str) -> bool:
        # A port that is the scheme's own is no part of httpx's addresses: without the scheme they would be the same.
        asked, own = httpx.URL(url), self._client.base_url
        return (asked.scheme, asked.host, asked.port) == (own.scheme, own.host, own.port)

    def _unreachable(self, error: Exception) -> str:
        hint = "; --no-tls-verify takes a registry as it is" if "SSL" in str(error) and self._tls_verify else ""
        return f"the registry {self._target.host} does not answer ({error or type(error).__name__}){hint}"

    def _unwanted(self, method: str, url: str, reply: httpx.Response) -> HarnessError:
        code, message = _reason(reply)
        if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return RegistryFailed(refused(self._target, self._login), details=message)
        if code in _NAME_CODES:
            return UsageError(f"{self._target.registry} does not allow the name {self._target}: {code}, {message}")
        what = f"{method} {httpx.URL(url).path}"
        return RegistryFailed(f"{self._target.registry} answered {what} with {reply.status_code} ({code or message})")


def referrers_tag(digest: str) -> str:
    """The tag that lists who refers to a manifest, where the registry keeps no such list."""
    return digest.replace(":", "-", 1)


@contextmanager
def _body(
    blob: Blob | None, content: bytes | None, sent: Sent
) -> Iterator[tuple[bytes | Iterator[bytes], dict[str, str]]]:
    """What is sent, and its length where httpx cannot know it."""
    if blob is None:
        yield content or b"", {}
        return
    with blob.open() as file:

        def blocks() -> Iterator[bytes]:
            while block := file.read(_BLOCK_BYTES):
                yield block
                sent(len(block))

        yield blocks(), {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}


def _reason(reply: httpx.Response) -> tuple[str, str]:
    """The registry's own code and words for a refusal."""
    try:
        error = reply.json()["errors"][0]
        return str(error["code"]), str(error.get("message", ""))
    except (ValueError, KeyError, IndexError, TypeError):
        return "", reply.reason_phrase


def _tls_context(*, verify: bool) -> ssl.SSLContext:
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    named = os.environ.get("SSL_CERT_FILE") or next((path for path in _CERTIFICATES if path.exists()), None)
    return ssl.create_default_context(cafile=named) if named else httpx.create_ssl_context()
