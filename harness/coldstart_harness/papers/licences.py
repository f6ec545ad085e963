"""What packages in an image state of their licences, as SPDX has it where it can be told."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import HeaderParser

from cyclonedx.spdx import fixup_id, is_expression

# Statements that are no SPDX identifiers and leave no doubt which one is meant; compared in lower case.
_MEANT = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    # Debian's names. Source: DEP 5, "License specification"; the licence texts in the packages.
    "expat": "MIT",
    "artistic": "Artistic-1.0-Perl",
    "gpl-1": "GPL-1.0-only",
}
# Debian's short names of the GNU licences, such as `LGPL-2.1+`.
_GNU = re.compile(r"(?P<name>[AL]?GPL|GFDL)-(?P<major>\d)(?P<minor>\.\d)?(?P<later>\+)?")
_MACHINE_READABLE = re.compile(r"^Format(-Specification)?:.*(copyright-format|DEP5|dep5)", re.IGNORECASE)
_LICENSE_FIELD = re.compile(r"^License:[ \t]*(?P<name>\S.*)$", re.MULTILINE)
_CLASSIFIER = "License :: "
_UNSTATED = frozenset({"", "unknown", "dual license"})


@dataclass(frozen=True, slots=True)
class Licences:
    """What is stated.

    Args:
        names: each an SPDX expression, or a name that SPDX does not know; all of them hold. Empty: nothing is stated.
        source: where it is stated, for people.
    """

    names: tuple[str, ...]
    source: str


def of_distribution(metadata: str) -> Licences:
    """Of a Python distribution, by its METADATA: the expression, else the one-line field, else classifiers.

    Source: Python packaging specifications, "Core metadata": License-Expression, License, Classifier.
    """
    headers = HeaderParser().parsestr(metadata)
    if expression := headers.get("License-Expression"):
        return Licences((expression.strip(),), "METADATA, License-Expression")
    stated = (headers.get("License") or "").strip()
    classifiers = [c.rpartition(" :: ")[2] for c in headers.get_all("Classifier", []) if c.startswith(_CLASSIFIER)]
    if "\n" not in stated and stated.lower() not in _UNSTATED and _is_known(stated):
        return Licences((spdx_of(stated),), "METADATA, License")
    if classifiers:
        return Licences(_distinct(spdx_of(name) for name in classifiers), "METADATA, Classifier")
    if stated and stated.lower() not in _UNSTATED:
        return Licences((stated.splitlines()[0].strip(),), "METADATA, License")
    return Licences((), "METADATA states none")


def of_debian_package(copyright_file: str | None, path: str) -> Licences:
    """Of a Debian package, by its copyright file: every licence of any file of the source package.

    Args:
        copyright_file: its text; None where there is none.
        path: where it lies in the image, for people.
    """
    if copyright_file is None:
        return Licences((), "no copyright file")
    if not _MACHINE_READABLE.search(copyright_file):
        return Licences(("as its copyright file tells",), path)
    names = (name for field in _LICENSE_FIELD.findall(copyright_file) for name in re.split(r",? and |,? or ", field))
    return Licences(_distinct(sorted({spdx_of(name.strip()) for name in names})), path)


def spdx_of(stated: str) -> str:
    """The SPDX identifier or expression that is meant; what was stated, where that cannot be told."""
    if meant := _MEANT.get(stated.lower()):
        return meant
    if gnu := _GNU.fullmatch(stated):
        return f"{gnu['name']}-{gnu['major']}{gnu['minor'] or '.0'}-{'or-later' if gnu['later'] else 'only'}"
    return fixup_id(stated) or stated


def _is_known(stated: str) -> bool:
    meant = spdx_of(stated)
    return meant != stated or fixup_id(meant) is not None or is_expression(meant)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
