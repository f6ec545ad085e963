"""The restrictions under which an image is to serve, as options of the Docker SDK."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from coldstart_harness.proofs.proof import Trial
from coldstart_harness.proofs.result import Promise

Options = dict[str, Any]

# As OpenShift gives them: a number from the project's range, no entry in /etc/passwd, and the group root.
ANY_USER = "1000770000:0"
PROCESSES = 512
# Anybody may write, as into an emptyDir.
_TMPFS = "mode=1777"
# Variables that name a cache by another word. Others are known by `CACHE` in their names.
_CACHE_HOMES = ("HF_HOME", "TORCH_HOME", "SENTENCE_TRANSFORMERS_HOME", "MPLCONFIGDIR")


@dataclass(frozen=True, slots=True)
class Row:
    """One restriction: what it promises, and its options for an image whose environment is given."""

    promise: Promise
    options: Callable[[Mapping[str, str]], Options]


def _no_network(_environment: Mapping[str, str]) -> Options:
    return {"network_mode": "none"}


def _read_only(_environment: Mapping[str, str]) -> Options:
    return {"read_only": True, "tmpfs": {"/tmp": _TMPFS}}  # noqa: S108 - inside the container


def _no_capabilities(_environment: Mapping[str, str]) -> Options:
    return {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}


def _any_user(_environment: Mapping[str, str]) -> Options:
    return {"user": ANY_USER}


def _few_processes(_environment: Mapping[str, str]) -> Options:
    return {"pids_limit": PROCESSES}


def _empty_caches(environment: Mapping[str, str]) -> Options:
    return {"tmpfs": dict.fromkeys(caches_of(environment), _TMPFS)}


_SINGLE = (_no_network, _read_only, _no_capabilities, _any_user, _few_processes, _empty_caches)


def _all_of_it(environment: Mapping[str, str]) -> Options:
    every = [options(environment) for options in _SINGLE]
    mounts = {path: how for options in every for path, how in options.get("tmpfs", {}).items()}
    return {name: value for options in every for name, value in options.items()} | {"tmpfs": mounts}


ROWS = (
    Row(Promise("runs-without-network", "It answers rightly with no network but its own loopback."), _no_network),
    Row(Promise("runs-read-only", "It answers rightly with nothing to write to but a tmpfs on /tmp."), _read_only),
    Row(
        Promise("runs-without-capabilities", "It answers rightly without capabilities and without ways to new ones."),
        _no_capabilities,
    ),
    Row(Promise("runs-as-any-user", "It answers rightly as a user whom its image does not know."), _any_user),
    Row(
        Promise("runs-within-512-processes", f"It answers rightly within {PROCESSES} processes and threads."),
        _few_processes,
    ),
    Row(Promise("runs-with-an-empty-cache", "It answers rightly when its caches are empty."), _empty_caches),
    Row(Promise("runs-with-all-of-it", "It answers rightly under all these restrictions at once."), _all_of_it),
)


def environment_of(trial: Trial) -> dict[str, str]:
    """The variables of a container of the image: its own, and the service's laid over."""
    image = trial.engine.client.images.get(trial.reference)
    own = dict(entry.partition("=")[::2] for entry in image.attrs["Config"].get("Env") or [])
    return {**own, **trial.asked.env}


def caches_of(environment: Mapping[str, str]) -> list[str]:
    """Directories that programs keep caches in: those that variables name, and `.cache` in the home directory.

    A container without HOME gets its user's; `/root` is that of most, and a directory more does no harm.
    """
    named = [
        value
        for name, value in environment.items()
        if ("CACHE" in name or name in _CACHE_HOMES) and PurePosixPath(value).is_absolute() and value != "/"
    ]
    return sorted({*named, str(PurePosixPath(environment.get("HOME") or "/root", ".cache"))})
