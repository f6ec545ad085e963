"""Being let into a registry: where logins are found, what is done with them, and the sentence where they do not do."""

import base64
import json
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.unit.harness_push_doubles import ModernRegistry, make_platform_image, opened, push_to
from tests.unit.offline_layers_doubles import serving

from coldstart_harness.errors import RegistryFailed, UsageError
from coldstart_harness.pushing.access import authorization
from coldstart_harness.pushing.documents import Blob, digest_of
from coldstart_harness.pushing.logins import Login, login_of
from coldstart_harness.pushing.registry import Registry
from coldstart_harness.pushing.replies import REPLY_BYTES
from coldstart_harness.pushing.target import Target

TARGET = Target("r.example", "team/app", "1")
LOGIN = Login("me", "secret")
BLOB = Blob("text/plain", digest_of(b"x"), 1, b"x")
ENCODED = base64.b64encode(b"me:secret").decode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")


def write_logins(path: Path, users: dict[str, str], **more: object) -> Path:
    """A file as `docker login` writes it: by name of the registry a user, whose password is `secret`."""
    auths = {name: {"auth": base64.b64encode(f"{user}:secret".encode()).decode()} for name, user in users.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": auths, **more}))
    return path


@pytest.mark.parametrize(
    ("users", "user"),
    [
        ({"r.example": "me"}, "me"),
        ({"https://r.example": "me"}, "me"),
        ({"https://r.example/v1/": "me"}, "me"),
        ({"r.example": "all", "r.example/team": "folder", "r.example/team/app": "me"}, "me"),
        ({"r.example": "me", "r.example/tea": "other", "r.example/team/apple": "other"}, "me"),
        ({"r.example/team/other": "other"}, None),
        ({"r.example.org": "other"}, None),
        ({}, None),
    ],
)
def test_the_entry_that_names_most_of_the_repository_is_taken(
    tmp_path: Path, users: dict[str, str], user: str | None
) -> None:
    """A registry's entry is for all of it, a folder's for that folder alone."""
    found = login_of(TARGET, write_logins(tmp_path / "auth.json", users), {})
    assert found == (Login(user, "secret") if user else None)


def test_logins_are_found_where_podman_and_docker_keep_them(tmp_path: Path) -> None:
    """REGISTRY_AUTH_FILE is the only place where it is set; else Podman's come before Docker's."""
    write_logins(tmp_path / "named.json", {"r.example": "named"})
    write_logins(tmp_path / "run/containers/auth.json", {"r.example": "runtime"})
    write_logins(tmp_path / "home/.config/containers/auth.json", {"r.example": "podman"})
    write_logins(tmp_path / "home/.docker/config.json", {"r.example": "docker"})
    environ = {"HOME": str(tmp_path / "home")}
    assert login_of(TARGET, None, environ) == Login("podman", "secret")
    environ["XDG_CONFIG_HOME"] = str(tmp_path / "none")
    assert login_of(TARGET, None, environ) == Login("docker", "secret")
    environ["DOCKER_CONFIG"] = str(tmp_path / "none")
    assert login_of(TARGET, None, environ) is None
    environ["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    assert login_of(TARGET, None, environ) == Login("runtime", "secret")
    environ["REGISTRY_AUTH_FILE"] = str(tmp_path / "named.json")
    assert login_of(TARGET, None, environ) == Login("named", "secret")


def test_the_hub_has_its_login_under_its_old_name(tmp_path: Path) -> None:
    """`docker login` without a registry writes that of index.docker.io."""
    file = write_logins(tmp_path / "auth.json", {"https://index.docker.io/v1/": "me"})
    assert login_of(Target("docker.io", "me/app", "1"), file, {}) == Login("me", "secret")


def test_an_identity_token_is_a_login(tmp_path: Path) -> None:
    """Some registries' logins are a token without a user."""
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {"r.example": {"auth": ENCODED, "identitytoken": "opaque"}}}))
    assert login_of(TARGET, file, {}) == Login("", identity_token="opaque")


def test_credential_helpers_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that the file names for a registry gives its login; its failure is one sentence."""
    helper = tmp_path / "bin" / "docker-credential-double"
    helper.parent.mkdir()
    answer = json.dumps({"Username": "me", "Secret": "secret", "ServerURL": "r.example"})
    helper.write_text(f"#!{sys.executable}\nprint({answer!r})\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(helper.parent), prepend=":")
    file = write_logins(tmp_path / "auth.json", {}, credHelpers={"r.example": "double", "other.example": "absent"})
    assert login_of(TARGET, file, {}) == LOGIN
    with pytest.raises(RegistryFailed, match=r"helper that .*auth\.json names for other\.example failed"):
        login_of(Target("other.example", "app", "1"), file, {})


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"auths": {"r.example": {"auth": "?"}}}', '{"auths": {"r.example": "me"}}', '{"auths": 1}'],
)
def test_a_broken_login_file_is_one_sentence(tmp_path: Path, content: str) -> None:
    """The file is named, and nothing of what is in it."""
    (tmp_path / "auth.json").write_text(content)
    with pytest.raises(UsageError, match=r"auth\.json is not what `docker login` writes: \w+$"):
        login_of(TARGET, tmp_path / "auth.json", {})


def test_a_login_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Who names a file wants no other."""
    with pytest.raises(UsageError, match=r"there is no file .*none\.json"):
        login_of(TARGET, tmp_path / "none.json", {})


def test_secrets_are_no_part_of_a_logins_text() -> None:
    """Whatever prints a login prints the user at most."""
    assert repr(Login("me", "hidden", "opaque")) == "Login(user='me')"


def test_a_login_buys_a_token_and_the_token_opens_the_registry(tmp_path: Path) -> None:
    """The password goes to the token service alone, and once."""
    image = make_platform_image(tmp_path, "low")
    with serving(ModernRegistry(login=ENCODED)) as server:
        push_to(server, image, login=LOGIN)
    assert server.authorizations.count(f"Basic {ENCODED}") == 1
    assert {blob.digest for blob in image.blobs} == set(server.blobs)


def test_an_identity_token_buys_a_token_too() -> None:
    """By the OAuth2 form of the token service."""
    with (
        serving(ModernRegistry(login=ENCODED)) as server,
        opened(server, Login("", identity_token="opaque")) as registry,
    ):
        assert registry.manifest("1") is None
    assert any(request == "POST /token" for request in server.requests)


def test_a_wrong_login_is_one_sentence() -> None:
    """It names the user and the repository, and is said before anything is built or sent."""
    refusal = pytest.raises(RegistryFailed, match=r"does not let the login of 'me' write to team/app$")
    with serving(ModernRegistry(login="other")) as server, refusal, opened(server, LOGIN):
        pass


def test_no_login_is_one_sentence() -> None:
    """It says how to get one."""
    refusal = pytest.raises(RegistryFailed, match=r"asks for a login and none is stored; run `docker login localhost:")
    with serving(ModernRegistry(login=ENCODED)) as server, refusal, opened(server):
        pass


def test_a_registry_without_tls_is_refused_unless_that_was_waived() -> None:
    """The sentence has the flag that waives it, and no login was sent."""
    refusal = pytest.raises(RegistryFailed, match=r"does not answer \(.*\); --no-tls-verify takes")
    with serving(ModernRegistry()) as server, refusal, opened(server, LOGIN, tls_verify=True):
        pass
    assert server.requests == []


def test_a_registry_that_is_not_there_is_one_sentence() -> None:
    """The sentence names it."""
    server = ModernRegistry()
    server.server_close()
    with pytest.raises(RegistryFailed, match=rf"the registry {server.name} does not answer"), opened(server):
        pass


@pytest.mark.parametrize("host", ["a..b", "[:::]:5000"])
def test_what_is_no_host_is_a_wrong_argument(host: str) -> None:
    """Whoever finds out, the address library or the resolver."""
    with pytest.raises(UsageError, match="is no HOST or HOST:PORT: "), Registry(Target(host, "app", "1"), None):
        pass


def test_a_name_that_the_registry_does_not_allow_is_a_wrong_argument() -> None:
    """Its own words are in the sentence."""
    body = b'{"errors": [{"code": "NAME_UNKNOWN", "message": "no such repository"}]}'
    refusal = pytest.raises(UsageError, match=r"does not allow the name .*team/app:1: NAME_UNKNOWN, no such repository")
    with serving(ModernRegistry(refusing=(404, body))) as server, opened(server) as registry, refusal:
        registry.send(BLOB)


@pytest.mark.parametrize(("status", "why"), [(403, "does not let"), (500, "with 500 "), (507, "with 507 ")])
def test_a_refused_upload_is_one_sentence(status: int, why: str) -> None:
    """Whatever the status, with or without a reason of the registry's."""
    server = ModernRegistry(refusing=(status, b"<html>"))
    with serving(server), opened(server, LOGIN) as registry, pytest.raises(RegistryFailed, match=why):
        registry.send(BLOB)


def test_the_token_goes_to_the_registry_alone() -> None:
    """Where the registry has blobs sent to another host, that host gets the bytes and no token."""
    store = ModernRegistry()
    server = ModernRegistry(login=ENCODED, store=f"http://{store.name}")
    with serving(store), serving(server), opened(server, LOGIN) as registry:
        registry.send(BLOB)
    assert store.authorizations == [""]


def registry_that_has_blobs_sent_to(
    location: str, monkeypatch: pytest.MonkeyPatch, *, with_tls: bool
) -> list[httpx.Request]:
    """The registry of TARGET, which asks for a password; the list gets all requests, whatever host they are for."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.method == "GET" and not with_tls:
            raise httpx.ConnectError("no TLS here")
        if request.url.path.startswith("/v2/") and "Authorization" not in request.headers:
            return httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        statuses = {"HEAD": 404, "POST": 202, "PUT": 201}
        return httpx.Response(statuses[request.method], headers={"Location": location})

    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(answer)))
    return requests


def test_a_registry_with_tls_that_has_blobs_sent_without_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the host is its own: neither the password nor the blob goes over the wire in the clear."""
    requests = registry_that_has_blobs_sent_to("http://r.example/up", monkeypatch, with_tls=True)
    refusal = pytest.raises(RegistryFailed, match=r"^r\.example has blobs sent to r\.example without TLS; wanted ")
    with Registry(TARGET, LOGIN) as registry, refusal:
        registry.send(BLOB)
    assert {request.url.scheme for request in requests} == {"https"}


@pytest.mark.parametrize(("location", "gets_it"), [("http://r.example:80/up", True), ("https://r.example/up", False)])
def test_a_password_is_for_one_scheme_host_and_port(
    monkeypatch: pytest.MonkeyPatch, location: str, gets_it: bool
) -> None:
    """The scheme's own port may be written or left out."""
    requests = registry_that_has_blobs_sent_to(location, monkeypatch, with_tls=False)
    with Registry(TARGET, LOGIN, tls_verify=False) as registry:
        registry.send(BLOB)
    assert requests[-1].method == "PUT"
    assert ("Authorization" in requests[-1].headers) == gets_it


def token_from(service: httpx.Response, realm: str, asked: list[httpx.Request]) -> str:
    """What a registry with TLS gets as Authorization where its token service answers that."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return service

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="https://r.example") as client:
        return authorization(client, TARGET, LOGIN, [f'Bearer realm="{realm}",service="r"'])


def test_a_token_service_without_tls_is_refused() -> None:
    """A registry with TLS cannot have a password sent without it."""
    asked: list[httpx.Request] = []
    token = httpx.Response(200, json={"token": "opaque"})
    assert token_from(token, "https://t.example/token", asked) == "Bearer opaque"
    with pytest.raises(
        RegistryFailed, match=r"r\.example sends logins to 'http://t\.example/token'; wanted an address"
    ):
        token_from(token, "http://t.example/token", asked)
    assert [request.url.scheme for request in asked] == ["https"]


def test_a_token_without_an_end_is_refused() -> None:
    """The sentence says who sent how much, and nothing of what it was asked."""
    endless = httpx.Response(200, content=bytes(REPLY_BYTES + 1))
    with pytest.raises(RegistryFailed, match=r"^t\.example answered GET /token with more than 4\.19 MB; "):
        token_from(endless, "https://t.example/token", [])
