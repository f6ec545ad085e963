"""The licence of a model: out of its card, and whether it may be used."""

import fnmatch

import yaml

from coldstart_harness.catalogue.entries import Policy
from coldstart_harness.errors import UsageError

# The Hub's own names of licences, where they are not SPDX identifiers in lower case or leave the version open.
_SPDX_OF = {"gpl-3.0": "GPL-3.0-only", "agpl-3.0": "AGPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only"}
# What a card says in `license` when the name stands in `license_name`.
_OTHER = "other"


def license_of(card: str, policy: Policy) -> str:
    """The licence that a model card states in its YAML header.

    Raises:
        UsageError: the card has no header that can be read, or states none.
    """
    stated = stated_license(card, policy)
    if stated is None:
        raise UsageError(
            "the model card states no licence (`license` in its YAML header); read what its makers say, and give it "
            "with --license"
        )
    return stated


def stated_license(card: str, policy: Policy) -> str | None:
    """The licence of a card's header, by its SPDX identifier or the name that it has there; None: it states none.

    Args:
        card: the text of README.md.
        policy: whose spelling of an identifier is taken.

    Raises:
        UsageError: the header cannot be read.
    """
    if not card.removeprefix("\ufeff").lstrip().startswith("---"):
        return None
    # A quarter of a second to import, which every command of the harness would wait for.
    from huggingface_hub import ModelCard

    try:
        data = ModelCard(card).data
    except (ValueError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise UsageError(
            f"the model card's header cannot be read: {problem}; give the licence with --license"
        ) from None
    stated = data.get("license")
    if stated == _OTHER:
        stated = data.get("license_name")
    if not isinstance(stated, str) or not stated.strip():
        return None
    return spdx_of(stated.strip(), policy)


def spdx_of(stated: str, policy: Policy) -> str:
    """A licence by the name that the project's lists have for it; as it was stated where they have none."""
    known = {name.lower(): name for name in (*policy.open, *policy.refused, *policy.accepted)}
    lower = stated.lower()
    if lower in known:
        return known[lower]
    if lower.startswith("cc-"):
        return stated.upper()
    return _SPDX_OF.get(lower, stated)


def check_license(name: str, license_: str, policy: Policy) -> None:
    """Refuse a model that evaluation would refuse, in the same words.

    Raises:
        UsageError: one of its licences is refused, or must be accepted by name.
    """
    for part in license_.split(" AND "):
        if is_among(part, policy.refused):
            raise UsageError(
                f"model {name} has the license {part}, which licenses.toml refuses (refused: "
                f"{', '.join(policy.refused)}): take another model, or change what is refused"
            )
        if not is_among(part, policy.open) and part not in policy.accepted:
            raise UsageError(
                f'model {name} has the license {part}, which must be accepted by name: read it, then add "{part}" to '
                f"acceptedLicenses in flake.nix (accepted now: {', '.join(policy.accepted) or 'none'})"
            )


def is_among(license_: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns stands for a licence."""
    return any(fnmatch.fnmatchcase(license_, pattern) for pattern in patterns)
