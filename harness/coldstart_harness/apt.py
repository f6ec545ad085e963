"""The system's own packages, on Debian and its kin, as root, without a question."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from coldstart_harness.process import Finished, follow

# A Nix program's PATH may lack the directories in which system programs, and what they call, are found.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLICY = Path("/usr/sbin/policy-rc.d")


def system_program(name: str) -> str | None:
    """Where the system has that program."""
    return shutil.which(name, path=SYSTEM_PATH)


def can_install() -> bool:
    return os.geteuid() == 0 and system_program("apt-get") is not None


def init_system() -> str | None:
    """`systemd`, or `sysv` where another init runs this system's services; None in a bare container or chroot."""
    if Path("/run/systemd/system").is_dir():
        return "systemd"
    first = Path("/proc/1/comm")
    is_init = first.exists() and first.read_text().strip() == "init"
    return "sysv" if is_init and system_program("service") else None


def install(packages: Sequence[str], say: Callable[[str], None], *, start: bool = True) -> Finished:
    """Install packages, reading the mirror's lists again only where the ones at hand do not do.

    Args:
        packages: Debian's names.
        say: told what is done.
        start: whether the services in them may start, where an init system would do it.
    """
    environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    say(f"installing {' and '.join(packages)} with apt-get")
    with _services_held_back(always=not start):
        return _with_lists(command, environment)


def unpack(package: str, directory: Path, say: Callable[[str], None]) -> Finished:
    """Fetch a package and lay its files out in a directory: nothing is installed or started.

    No right is needed where the lists at hand do; who has it gets them read again.
    """
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"}
    directory.mkdir(parents=True, exist_ok=True)
    say(f"fetching {package} with apt-get")
    done = _with_lists(["apt-get", "download", package], environment, directory)
    if done.status:
        return done
    archive = max(directory.glob("*.deb"), key=lambda path: path.stat().st_mtime)
    return follow(["dpkg-deb", "--extract", archive, directory], environment=environment)


def _with_lists(command: Sequence[str], environment: Mapping[str, str], directory: Path | None = None) -> Finished:
    """Run a command, and once more with the mirror's lists read again where it fails."""
    done = follow(command, environment=environment, directory=directory)
    if done.status:
        follow(["apt-get", "update"], environment=environment)
        done = follow(command, environment=environment, directory=directory)
    return done


@contextmanager
def _services_held_back(*, always: bool) -> Iterator[None]:
    """Without an init system, packages must not start daemons: whoever needs one starts it and keeps its log."""
    if (init_system() and not always) or _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
