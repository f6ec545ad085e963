"""What of a layer an older image does not have."""

import posixpath
from collections.abc import Sequence

from coldstart_harness.archive.image import ImageAtRest, Layer
from coldstart_harness.archive.tree import Entry

_STORE = "/nix/store/"
_SHOWN = 5
_TOP_PARTS = 3


def changed_paths(old: ImageAtRest, new: ImageAtRest, layer: Layer) -> tuple[str, ...]:
    """Store paths and other files of a layer of the newer image that the older one lacks or has otherwise, sorted.

    A store path's name says what is in it. Files elsewhere are compared by kind, owner, mode and content.
    """
    stores = {_STORE + path.removeprefix(_STORE).partition("/")[0] for path in layer.paths if path.startswith(_STORE)}
    changed = {path for path in stores - {_STORE} if not old.tree.holds(path)}
    for path in layer.paths:
        if not path.startswith(_STORE) and _differs(old, new, path):
            changed.add(path)
    return tuple(sorted(changed))


def shown_paths(paths: Sequence[str]) -> str:
    """A few paths as they are; of many, the directories at the top that hold them, and how many each holds."""
    if not paths:
        return "nothing in it is new"
    if len(paths) <= _SHOWN:
        return ", ".join(paths)
    counts: dict[str, int] = {}
    for path in paths:
        top = path if path.startswith(_STORE) else "/".join(path.split("/")[:_TOP_PARTS])
        counts[top] = counts.get(top, 0) + 1
    shown = [top if count == 1 else f"{count} under {top}" for top, count in list(counts.items())[:_SHOWN]]
    left = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _differs(old: ImageAtRest, new: ImageAtRest, path: str) -> bool:
    now, before = new.tree.at(path), old.tree.at(path)
    if now is None:
        # A whiteout, or a path that a later layer hides.
        name = posixpath.basename(path)
        return name.startswith(".wh.") and not old.tree.holds(path)
    if now.kind == "directory":
        return not old.tree.holds(path) and not new.tree.names_in(path)
    if before is None or _outside(now) != _outside(before):
        return True
    return now.kind == "file" and new.sha256(now) != old.sha256(before)


def _outside(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.mode, entry.uid, entry.gid, entry.size, entry.link
