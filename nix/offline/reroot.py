"""Runs a command so that a chroot is the root of a mount namespace of its own: `reroot.py COMMAND [ARG...]`, as root.

Nix before 2.17 (Debian 12 has 2.8), as root, starts git in the root of the mount namespace. In a chroot that is another
file system, in which the checkout is not (NixOS/nix issue 7602). May go when no supported system has such a Nix.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWNS = 0x20000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _succeed(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _mount(source: bytes | None, target: bytes, flags: int) -> None:
    _succeed(_libc.mount(source, target, None, ctypes.c_ulong(flags), None), f"mount at {target.decode()}")


def _enter_root_of(namespace: int) -> None:
    """Go to the root of a mount namespace, whatever the process' root was."""
    _succeed(_libc.setns(namespace, _CLONE_NEWNS), "setns")


def make_root_of_namespace() -> None:
    """Put this process into a mount namespace whose root is what `/` is now; what it saw under `/` it still sees.

    Raises:
        OSError: the machine does not allow it.
    """
    _succeed(_libc.unshare(_CLONE_NEWNS), "unshare")
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    _enter_root_of(namespace)
    # Nothing of what follows may reach the namespace that the others live in.
    _mount(None, b"/", _MS_REC | _MS_PRIVATE)
    os.fchdir(root)
    _mount(b".", b"/", _MS_BIND | _MS_REC)
    # The way into the namespace ends at the topmost mount of its root: the one just made.
    _enter_root_of(namespace)
    os.close(root)
    os.close(namespace)


def main() -> None:
    """Run the command in the working directory of now; where the machine refuses, as if nothing had been tried."""
    here = Path.cwd()
    try:
        make_root_of_namespace()
        os.chdir(here)
    except OSError as error:
        sys.stderr.write(f"reroot: {error}\n")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 (the command is the caller's)


if __name__ == "__main__":
    main()
