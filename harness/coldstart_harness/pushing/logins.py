"""Stored logins, in the files and by the programs that Docker, Podman and skopeo have for them."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.auth import AuthConfig
from docker.errors import DockerException, InvalidConfigFile

from coldstart_harness.errors import RegistryFailed, UsageError
from coldstart_harness.pushing.target import Target


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks; secrets are kept out of its text form.

    Args:
        user: a name; empty with an identity token.
        password: empty with an identity token.
        identity_token: buys access tokens at the registry's token service; empty with a password.
    """

    user: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def login_of(target: Target, auth_file: Path | None, environ: Mapping[str, str]) -> Login | None:
    """The stored login for a repository: the first file that has one, there the entry that names most of it.

    Args:
        target: a repository of a registry.
        auth_file: the only file to look into; None: where Podman, skopeo and Docker keep theirs.
        environ: says where that is.

    Returns:
        None where no file has a login for it.

    Raises:
        UsageError: a file is missing that was asked for, or is not what `docker login` writes.
        RegistryFailed: a credential helper failed.
    """
    if auth_file is not None and not auth_file.is_file():
        raise UsageError(f"there is no file {auth_file} to read logins from")
    for path in [auth_file] if auth_file else _files(environ):
        if path.is_file() and (login := _login_in(path, target)):
            return login
    return None


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Source: containers-auth.json(5), FILES; after these Docker's own."""
    home = Path(environ.get("HOME", "/nonexistent"))
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
        return
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers", "auth.json")
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "containers", "auth.json")
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker", "config.json")


def _login_in(path: Path, target: Target) -> Login | None:
    try:
        document = json.loads(path.read_bytes())
        entries = {key: entry for key, entry in (document.get("auths") or {}).items() if _is_for(key, target)}
        config = AuthConfig(
            {
                "auths": AuthConfig.parse_auth(entries, raise_on_error=True),
                "credsStore": document.get("credsStore"),
                "credHelpers": document.get("credHelpers") or {},
            }
        )
        with warnings.catch_warnings():
            # That a helper is not installed is said below, once.
            warnings.simplefilter("ignore", UserWarning)
            found = _most_specific(config.auths, target) or config.resolve_authconfig(target.registry)
    except (InvalidConfigFile, OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(f"{path} is not what `docker login` writes: {type(error).__name__}") from None
    except DockerException as error:
        raise RegistryFailed(f"the credential helper that {path} names for {target.registry} failed: {error}") from None
    if not found:
        return None
    if token := found.get("IdentityToken"):
        return Login("", identity_token=token)
    # The files' entries and the helpers' answers differ in their capitals.
    user, password = (found.get(name) or found.get(name.capitalize()) or "" for name in ("username", "password"))
    return Login(user, password) if user else None


def _is_for(key: str, target: Target) -> bool:
    """Whether an entry's name is that registry (as a URL, too), or a folder of it that holds the repository."""
    if "://" in key or "/" not in key:
        return True
    return f"{target.registry}/{target.repository}/".startswith(f"{key}/")


def _most_specific(auths: Mapping[str, Any], target: Target) -> Mapping[str, Any] | None:
    folders = [key for key in auths if "://" not in key and "/" in key]
    return dict(auths[max(folders, key=len)]) if folders else None
