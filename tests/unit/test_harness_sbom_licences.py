"""Licences: what packages state, and what the policy says of it."""

import pytest
from tests.unit.harness_papers_doubles import COPYRIGHT

from coldstart_harness.catalogue.entries import Policy
from coldstart_harness.papers.licences import Licences, of_debian_package, of_distribution
from coldstart_harness.papers.policy import Verdict, verdict_of

POLICY = Policy(open=("MIT", "Apache-2.0", "BSD-*"), refused=("CC-BY-NC-*", "unknown"), accepted=("coqui-cpml",))


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: BSD\n", ("MIT OR Apache-2.0",)),
        ("License: Apache 2.0\n", ("Apache-2.0",)),
        ("License: mit\n", ("MIT",)),
        ("License: BSD\nClassifier: License :: OSI Approved :: BSD License\n", ("BSD License",)),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: ISC License (ISCL)\n", ("ISC",)),
        ("License: Copyright 2015\n  All of it\nClassifier: License :: OSI Approved :: MIT License\n", ("MIT",)),
        ("License: Free for all\n", ("Free for all",)),
        ("Name: espeakng-loader\n", ()),
    ],
)
def test_a_distributions_licence_is_read_from_its_metadata(metadata: str, names: tuple[str, ...]) -> None:
    """The expression goes first, then a field that names a known licence, then classifiers, then any field."""
    assert of_distribution(f"Name: a\n{metadata}\nLicense: in the text\n").names == names


def test_a_debian_packages_licences_are_read_from_its_copyright_file() -> None:
    """Each is named once, by its SPDX identifier where it has one."""
    assert of_debian_package(COPYRIGHT, "/p").names == ("Apache-2.0", "LGPL-2.1-or-later", "MIT")


def test_a_copyright_file_in_prose_is_pointed_to() -> None:
    """Nothing is guessed, and nothing is unknown."""
    licences = of_debian_package("This is the GNU C Library.\nLicense: see below\n", "/p")
    assert licences == Licences(("as its copyright file tells",), "/p")


def test_a_package_without_a_copyright_file_states_nothing() -> None:
    """It is for the policy to say what that means."""
    assert of_debian_package(None, "").names == ()


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (("MIT",), Verdict.OPEN),
        (("BSD-3-Clause",), Verdict.OPEN),
        (("coqui-cpml",), Verdict.ACCEPTED),
        (("LGPL-2.1-or-later",), Verdict.TO_READ),
        (("CC-BY-NC-4.0",), Verdict.REFUSED),
        ((), Verdict.REFUSED),
        (("MIT AND LGPL-2.1-or-later",), Verdict.TO_READ),
        (("CC-BY-NC-4.0 OR MIT",), Verdict.OPEN),
        (("MIT AND (Apache-2.0 OR GPL-2.0-only)",), Verdict.OPEN),
        (("MIT AND coqui-cpml",), Verdict.ACCEPTED),
        (("MIT AND unknown",), Verdict.REFUSED),
        (("Free (for all",), Verdict.TO_READ),
        (("Apache-2.0 WITH LLVM-exception",), Verdict.TO_READ),
        (("MIT", "as its copyright file tells"), Verdict.TO_READ),
    ],
)
def test_the_policy_judges_what_is_stated(names: tuple[str, ...], verdict: Verdict) -> None:
    """Of what holds together the worst counts, of what there is to choose from the best."""
    assert verdict_of(Licences(names, ""), POLICY) is verdict


def test_unknown_licences_are_refused_only_where_the_policy_says_so() -> None:
    """Without it they are for somebody to read."""
    assert verdict_of(Licences((), ""), Policy(open=(), refused=(), accepted=())) is Verdict.TO_READ
