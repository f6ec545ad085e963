"""How to be let into a registry: stored logins, and the answers to its challenges."""

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from .errors import LayersError
from .reference import DEFAULT_REGISTRY, Reference

# The name under which `docker login` has always kept the login of Docker's own registry.
DOCKER_LOGIN_NAME = "https://index.docker.io/v1/"

# Fetches a URL with the given headers, and returns the reply's content.
Fetch = Callable[[str, Mapping[str, str]], bytes]


def basic_login(registry: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The stored `user:password` of a registry as base64, from the files that skopeo, Podman and Docker read.

    None where there is none, or only a credential helper.

    Raises:
        LayersError: a file is not readable as JSON.
    """
    names = [registry, f"https://{registry}", *([DOCKER_LOGIN_NAME] if registry == DEFAULT_REGISTRY else [])]
    for path in _login_files(environ):
        try:
            logins = json.loads(path.read_bytes()).get("auths") or {}
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError) as error:
            raise LayersError(
                f"{path} cannot be read as logins ({error}); wanted what `docker login` writes."
            ) from error
        for name in names:
            login = logins.get(name) or {}
            if login.get("auth"):
                return str(login["auth"])
            if login.get("username"):
                return base64.b64encode(f"{login['username']}:{login.get('password', '')}".encode()).decode()
    return None


def authorization(challenge: str, reference: Reference, login: str | None, fetch: Fetch) -> str:
    """The Authorization header that answers a WWW-Authenticate header for reading and writing one repository.

    Args:
        challenge: the header's value, of scheme Basic or Bearer.
        login: `user:password` as base64; without one a Bearer token is asked for anonymously.
        fetch: used to get a Bearer token from the realm that the challenge names.

    Raises:
        LayersError: the challenge is of another scheme, or asks for a login and there is none.
    """
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        if login is None:
            raise LayersError(f"{reference.registry} asks for a login and none is stored; wanted `docker login` first.")
        return f"Basic {login}"
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    if scheme.lower() != "bearer" or "realm" not in parameters:
        raise LayersError(f"{reference.registry} asks for {challenge!r}; wanted the scheme Basic or Bearer.")
    query = {"scope": f"repository:{reference.repository}:pull,push"}
    if "service" in parameters:
        query["service"] = parameters["service"]
    joint = "&" if "?" in parameters["realm"] else "?"
    headers = {"Authorization": f"Basic {login}"} if login else {}
    reply = json.loads(fetch(f"{parameters['realm']}{joint}{urlencode(query)}", headers))
    return f"Bearer {reply.get('token') or reply['access_token']}"


def _login_files(environ: Mapping[str, str]) -> list[Path]:
    home = environ.get("HOME") or "/nonexistent"
    candidates = [
        environ.get("REGISTRY_AUTH_FILE"),
        environ.get("XDG_RUNTIME_DIR") and f"{environ['XDG_RUNTIME_DIR']}/containers/auth.json",
        f"{environ.get('DOCKER_CONFIG') or f'{home}/.docker'}/config.json",
    ]
    return [Path(candidate) for candidate in candidates if candidate]
