"""What apt knows of this machine's Debian mirror: where it is, and what its main suite holds."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import FetchError

APT_HELPER = Path("/usr/lib/apt/apt-helper")
MIRROR_VARIABLE = "COLDSTART_DEBIAN_MIRROR"

_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)$")


@dataclass(frozen=True)
class Source:
    """One archive that apt reads packages from."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def sources_of_list(text: str) -> Iterator[Source]:
    """Yield the archives of a one-line-style file (`sources.list`); comments and `deb-src` lines are passed over."""
    for line in text.splitlines():
        found = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if found:
            yield Source(found["uri"].rstrip("/"), (found["suite"],), tuple(found["components"].split()))


def stanzas(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield each paragraph of a deb822 file as field → value: names in lower case, folded lines joined by spaces."""
    fields: dict[str, str] = {}
    name = ""
    for raw in lines:
        line = raw.rstrip("\n")
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t":
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    if fields:
        yield fields


def sources_of_deb822(text: str) -> Iterator[Source]:
    """Yield the archives of a deb822-style file (`*.sources`), but not disabled stanzas and sources-only ones."""
    for stanza in stanzas(text.splitlines()):
        wanted = "deb" in stanza.get("types", "").split() and stanza.get("enabled", "yes").lower() not in (
            "no",
            "false",
        )
        for uri in stanza.get("uris", "").split() if wanted else ():
            yield Source(
                uri.rstrip("/"), tuple(stanza.get("suites", "").split()), tuple(stanza.get("components", "").split())
            )


def read_sources(etc_apt: Path) -> list[Source]:
    """Return every archive that the files under `etc_apt` name, in apt's own order."""
    found: list[Source] = []
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]:
        if path.suffix == ".list" and path.is_file():
            found += sources_of_list(path.read_text(encoding="utf-8"))
        elif path.suffix == ".sources" and path.is_file():
            found += sources_of_deb822(path.read_text(encoding="utf-8"))
    return found


def resolved(uri: str) -> list[str]:
    """Return the addresses behind a source's: apt's `mirror+file:` names a file with one in each line."""
    scheme, _, rest = uri.partition(":")
    if scheme != "mirror+file":
        return [uri]
    try:
        lines = Path(rest if not rest.startswith("//") else rest[2:]).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line.split()[0].rstrip("/") for line in lines if line.strip() and not line.startswith("#")]


def mirrors(environ: Mapping[str, str], sources: Iterable[Source], suite: str, component: str) -> list[str]:
    """Return the base addresses to try, best first.

    A machine with another Debian release in its sources still reaches the pool: every release shares it. That is why
    any archive with the same component is taken when none serves the suite itself.

    Raises:
        FetchError: neither the variable nor apt's sources name a mirror.
    """
    if environ.get(MIRROR_VARIABLE):
        return [environ[MIRROR_VARIABLE].rstrip("/")]
    known = [source for source in sources if component in source.components]
    exact = [source.uri for source in known if suite in source.suites]
    others = [source.uri for source in known if not any("-security" in name for name in source.suites)]
    # A mirror of Ubuntu often serves Debian beside it.
    beside = [uri[: -len("ubuntu")] + "debian" for uri in others if uri.endswith("/ubuntu")]
    listed = [mirror for uri in exact + beside + others for mirror in resolved(uri)]
    found = list(dict.fromkeys(mirror for mirror in listed if "://" in mirror))
    if not found:
        raise FetchError(
            f"no Debian mirror is known: apt's sources name none with the component '{component}'; "
            f"set {MIRROR_VARIABLE} to the address of one (the folder that holds pool/)"
        )
    return found


def run_apt(*command: str) -> str:
    """Return what an apt program prints.

    Raises:
        FetchError: the program is missing or fails.
    """
    if shutil.which(command[0]) is None:
        raise FetchError(f"{command[0]} is not here: pins can be refreshed only where apt is (Debian or Ubuntu)")
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise FetchError(f"`{' '.join(command)}` failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode("utf-8", errors="replace")


def index_of(suite: str, component: str, architecture: str) -> Iterator[dict[str, str]]:
    """Yield the package stanzas of one suite as apt last fetched them (`apt-get update` makes them current)."""
    files = run_apt(
        "apt-get", "indextargets", "--format", "$(FILENAME)", "Created-By: Packages",
        f"Codename: {suite}", f"Component: {component}", f"Architecture: {architecture}",
    ).split()  # fmt: skip
    if not files:
        raise FetchError(f"apt has no index of {suite}/{component} for {architecture}: run apt-get update first")
    for path in files:
        yield from stanzas(run_apt(str(APT_HELPER), "cat-file", path).splitlines())
