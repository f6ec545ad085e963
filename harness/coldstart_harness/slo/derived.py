"""The files under deploy/, generated from the file of promises."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from coldstart_harness.slo.kubernetes import kubernetes_objects
from coldstart_harness.slo.loading import SloFile
from coldstart_harness.slo.prometheus import prometheus_rules

COMMAND = "./nixw run .#harness -- slo derive --out deploy"
_HEADER = f"# Generated from slo.toml, not to be edited; `{COMMAND}` writes it anew.\n"
_WIDTH = 120


def derived_files(slo: SloFile) -> dict[Path, str]:
    """The text of every generated file, by its path below deploy/."""
    files = {}
    for name, service in slo.slo.services.items():
        files[Path("kubernetes", f"{name}.yaml")] = _yaml(kubernetes_objects(name, service))
        rules = prometheus_rules(name, service)
        if rules is not None:
            files[Path("prometheus", f"{name}.rules.yaml")] = _yaml([rules])
    return files


def write_derived(slo: SloFile, out: Path) -> list[Path]:
    """Write every generated file below a directory, and return their paths."""
    written = []
    for path, text in derived_files(slo).items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(text, encoding="utf-8")
        written.append(out / path)
    return written


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, which repeated tables would become, and keeps texts of several lines as they are."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(documents: Iterable[dict[str, Any]]) -> str:
    return _HEADER + yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)
