"""The OCI distribution API, as far as pushing takes it: blobs, manifests, tags."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

from . import registry_auth
from .errors import LayersError
from .oci import MANIFEST_TYPE, Descriptor
from .reference import DEFAULT_REGISTRY, Reference

# The host that serves what is called docker.io.
DEFAULT_REGISTRY_HOST = "registry-1.docker.io"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
# Where the system keeps its certificates, by distribution: a Python out of the store knows none of these places.
CERTIFICATE_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
TIMEOUT_S = 120


@dataclass(frozen=True)
class Reply:
    """What a registry answered, whatever its status."""

    status: int
    headers: Message
    content: bytes


class RegistryClient:
    """Speaks to one repository of one registry; blocking, not thread-safe. Proxies come from the environment.

    Args:
        reference: the image; its tag plays no part here.
        tls_verify: False accepts any certificate, and plain HTTP where the registry speaks no TLS.
        environ: says where logins are stored and, by SSL_CERT_FILE, certificates.
    """

    def __init__(self, reference: Reference, *, tls_verify: bool, environ: Mapping[str, str]) -> None:
        self._reference = reference
        self._tls_verify = tls_verify
        self._environ = environ
        self._authorization: str | None = None
        handler = urllib.request.HTTPSHandler(context=_tls_context(environ, verify=tls_verify))
        self._opener = urllib.request.build_opener(handler)
        self._base = self._find_base()

    def has_blob(self, digest: str) -> bool:
        """Whether the repository holds the blob already."""
        return self._call("HEAD", f"blobs/{digest}", wanted=(200, 404)).status == http.client.OK

    def blob(self, digest: str) -> bytes:
        """A small blob's content."""
        return self._call("GET", f"blobs/{digest}", wanted=(200,)).content

    def upload(self, descriptor: Descriptor, body: IO[bytes]) -> None:
        """Send a blob in one piece; `body` stands at its start."""
        location = self._call("POST", "blobs/uploads/", body=b"", wanted=(202,)).headers["Location"]
        joint = "&" if "?" in location else "?"
        url = f"{location}{joint}{urlencode({'digest': descriptor.digest})}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(descriptor.size)}
        self._call("PUT", url, body=body, headers=headers, wanted=(201,))

    def manifest(self, tag: str) -> dict[str, Any] | None:
        """The single-platform manifest of a tag; None where there is no such tag, or something else behind it."""
        accept = {"Accept": f"{MANIFEST_TYPE}, {DOCKER_MANIFEST_TYPE}"}
        reply = self._call("GET", f"manifests/{tag}", headers=accept, wanted=(200, 404))
        return json.loads(reply.content) if reply.status == http.client.OK else None

    def put_manifest(self, tag: str, content: bytes) -> None:
        """Name a manifest, all of whose blobs are there; from then on the image can be pulled."""
        headers = {"Content-Type": MANIFEST_TYPE}
        self._call("PUT", f"manifests/{tag}", body=content, headers=headers, wanted=(201,))

    def tags(self) -> list[str]:
        """All tags of the repository; none where the registry does not say."""
        reply = self._call("GET", "tags/list", wanted=None)
        return (json.loads(reply.content).get("tags") or []) if reply.status == http.client.OK else []

    def _find_base(self) -> str:
        """The URL under which the registry answers: TLS first; without only if it was allowed and TLS did not work."""
        host = DEFAULT_REGISTRY_HOST if self._reference.registry == DEFAULT_REGISTRY else self._reference.registry
        for scheme in ("https",) if self._tls_verify else ("https", "http"):
            try:
                self._open("GET", f"{scheme}://{host}/v2/", None, {})
            except LayersError:
                if scheme == "http" or self._tls_verify:
                    raise
            else:
                return f"{scheme}://{host}/v2/{self._reference.repository}/"
        raise AssertionError("one of the schemes has answered or raised")

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        wanted: tuple[int, ...] | None,
    ) -> Reply:
        """One request, repeated with a new token where the registry asks for one; any status is wanted if None is."""
        url = urljoin(self._base, path)
        reply = self._open(method, url, body, headers or {})
        if reply.status == http.client.UNAUTHORIZED:
            challenge = reply.headers.get("WWW-Authenticate", "")
            login = registry_auth.basic_login(self._reference.registry, self._environ)
            self._authorization = registry_auth.authorization(challenge, self._reference, login, self._token)
            if body is not None and not isinstance(body, bytes):
                body.seek(0)
            reply = self._open(method, url, body, headers or {})
        if wanted is not None and reply.status not in wanted:
            raise LayersError(
                f"{method} {url} was answered with {reply.status} ({_reason(reply)});"
                f" wanted {' or '.join(str(status) for status in wanted)}."
            )
        return reply

    def _token(self, url: str, headers: Mapping[str, str]) -> bytes:
        reply = self._open("GET", url, None, headers)
        if reply.status != http.client.OK:
            raise LayersError(
                f"The login at {urlsplit(url).netloc} failed ({reply.status}); wanted a valid `docker login`."
            )
        return reply.content

    def _open(self, method: str, url: str, body: bytes | IO[bytes] | None, headers: Mapping[str, str]) -> Reply:
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - a registry
        # Unredirected, because registries redirect to storage on other hosts, which must not see it.
        if self._authorization and not request.has_header("Authorization"):
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return Reply(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            hint = ", with TLS unless --dest-tls-verify=false" if self._tls_verify else ""
            raise LayersError(
                f"{urlsplit(url).netloc} does not answer ({reason}); wanted a registry there{hint}."
            ) from error


def _tls_context(environ: Mapping[str, str], *, verify: bool) -> ssl.SSLContext:
    named = environ.get("SSL_CERT_FILE")
    file = named or next((path for path in CERTIFICATE_FILES if Path(path).exists()), None)
    context = ssl.create_default_context(cafile=file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(reply: Reply) -> str:
    try:
        error = json.loads(reply.content)["errors"][0]
        return f"{error['code']}: {error.get('message', '')}"
    except (ValueError, KeyError, IndexError, TypeError):
        return http.client.responses.get(reply.status, "no reason given")
