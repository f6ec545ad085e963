"""Colours of kinds of spans and of curves: told apart by colour-blind eyes, on white and on black.

Sources: Okabe and Ito, "Color Universal Design", 2008; its yellow is darker here, for white paper. Indigo, sand: Tol,
"Colour Schemes", 2021; indigo is lighter here, for black.
"""

from collections.abc import Iterable

_GREEN, _VERMILLION, _ORANGE, _SKY, _PURPLE, _YELLOW, _BLUE, _GREY = (
    "#009e73",
    "#d55e00",
    "#e69f00",
    "#56b4e9",
    "#cc79a7",
    "#b8a800",
    "#0072b2",
    "#8a8f98",
)
_INDIGO, _SAND = "#7a6fd0", "#d3bf6a"

# What the proofs call outcomes means the same in every chart, and so does a status.
_KNOWN = {
    "right": _GREEN,
    "200": _GREEN,
    "ready": _GREEN,
    "wrong": _VERMILLION,
    "lie": _VERMILLION,
    "turned away": _ORANGE,
    "429": _ORANGE,
    "503": _ORANGE,
    "not ready": _ORANGE,
    "refused": _GREY,
    "lost": _PURPLE,
    "late": _YELLOW,
}
# Those without a meaning first.
_OTHERS = (_BLUE, _SKY, _INDIGO, _SAND, _PURPLE, _GREEN, _ORANGE, _YELLOW, _VERMILLION, _GREY)


def colours_of(kinds: Iterable[str]) -> dict[str, str]:
    """A colour for each kind: its own where it is known, else the next of those that no known kind here has."""
    distinct = list(dict.fromkeys(kinds))
    taken = {_KNOWN[kind] for kind in distinct if kind in _KNOWN}
    free = [colour for colour in _OTHERS if colour not in taken] or list(_OTHERS)
    others = [kind for kind in distinct if kind not in _KNOWN]
    return {
        **{kind: _KNOWN[kind] for kind in distinct if kind in _KNOWN},
        **{kind: free[place % len(free)] for place, kind in enumerate(others)},
    }
