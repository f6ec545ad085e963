"""What the project's policy says of licences: open, accepted by name, refused, or for somebody to read."""

from enum import IntEnum
from typing import Any

from license_expression import ExpressionError, ExpressionParseError, Licensing

from coldstart_harness.catalogue.entries import Policy
from coldstart_harness.catalogue.licenses import is_among
from coldstart_harness.papers.licences import Licences

# The licence of what states none, for the policy's patterns.
UNKNOWN = "unknown"

_LICENSING = Licensing()


class Verdict(IntEnum):
    """From the best to the worst."""

    OPEN = 0
    ACCEPTED = 1
    TO_READ = 2
    REFUSED = 3

    @property
    def words(self) -> str:
        return ("open", "accepted", "to be read", "REFUSED")[self]


def verdict_of(licences: Licences, policy: Policy) -> Verdict:
    """The worst of all that hold; of licences to choose from (`OR`) the best counts."""
    return max(_of_name(name, policy) for name in licences.names or (UNKNOWN,))


def _of_name(name: str, policy: Policy) -> Verdict:
    try:
        return _of_tree(_LICENSING.parse(name), policy)
    except (ExpressionError, ExpressionParseError):
        return _of_license(name, policy)


def _of_tree(tree: Any, policy: Policy) -> Verdict:
    if isinstance(tree, _LICENSING.OR):
        return min(_of_tree(part, policy) for part in tree.args)
    if isinstance(tree, _LICENSING.AND):
        return max(_of_tree(part, policy) for part in tree.args)
    return _of_license(str(tree), policy)


def _of_license(license_: str, policy: Policy) -> Verdict:
    if is_among(license_, policy.refused):
        return Verdict.REFUSED
    if is_among(license_, policy.open):
        return Verdict.OPEN
    return Verdict.ACCEPTED if license_ in policy.accepted else Verdict.TO_READ
