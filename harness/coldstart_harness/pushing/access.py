"""Being let into a repository: the answers to a registry's challenge."""

import base64
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from coldstart_harness.errors import RegistryFailed
from coldstart_harness.pushing.logins import Login
from coldstart_harness.pushing.replies import reply_to
from coldstart_harness.pushing.target import Target

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_CLIENT_ID = "coldstart"


def authorization(client: httpx.Client, target: Target, login: Login | None, challenges: Sequence[str]) -> str:
    """The Authorization header with which a repository may be read and written.

    Args:
        client: asks the token service, where the registry has one.
        target: the repository.
        login: the stored login; None: an access token is asked for anonymously.
        challenges: the WWW-Authenticate headers of the registry's refusal.

    Raises:
        RegistryFailed: there is no login, or it is not accepted, or the registry asks in a way that is not understood.
        httpx.HTTPError: the token service does not answer.

    Source: OCI registries follow Docker's "Token Authentication Specification" and its OAuth2 variant.
    """
    by_scheme = {challenge.partition(" ")[0].lower(): challenge for challenge in challenges}
    if bearer := by_scheme.get("bearer"):
        return f"Bearer {_token(client, target, login, dict(_PARAMETER.findall(bearer)))}"
    if "basic" not in by_scheme:
        raise RegistryFailed(
            f"{target.registry} asks for {' or '.join(challenges) or 'a login in no known way'}; wanted Basic or Bearer"
        )
    if login is None:
        raise RegistryFailed(none_stored(target))
    return _basic(login)


def none_stored(target: Target) -> str:
    """The sentence for whoever has no login."""
    return (
        f"{target.registry} asks for a login and none is stored; run `docker login {target.registry}`, "
        "or name a file by --authfile"
    )


def refused(target: Target, login: Login | None) -> str:
    """The sentence for whoever has one that does not do."""
    if login is None:
        return none_stored(target)
    who = f"the login of {login.user!r}" if login.user else "the stored token"
    return f"{target.registry} does not let {who} write to {target.repository}"


def _token(client: httpx.Client, target: Target, login: Login | None, parameters: dict[str, str]) -> str:
    realm = parameters.get("realm", "")
    if urlsplit(realm).scheme != "https" and client.base_url.scheme == "https":
        raise RegistryFailed(
            f"{target.registry} sends logins to {realm!r}; wanted an address that begins with https://"
        )
    wanted = {"scope": f"repository:{target.repository}:pull,push"}
    if "service" in parameters:
        wanted["service"] = parameters["service"]
    if login is not None and login.identity_token:
        form = {**wanted, "grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": _CLIENT_ID}
        reply = reply_to(client, "POST", realm, data=form)
    else:
        headers = {"Authorization": _basic(login)} if login else {}
        reply = reply_to(client, "GET", realm, params=wanted, headers=headers)
    if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise RegistryFailed(refused(target, login))
    try:
        document = reply.raise_for_status().json()
        return str(document.get("token") or document["access_token"])
    except (httpx.HTTPStatusError, ValueError, KeyError, AttributeError, TypeError):
        raise RegistryFailed(
            f"{urlsplit(realm).netloc} gave no token for {target.registry} (status {reply.status_code})"
        ) from None


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
