"""What figures depend on: the machine that they were taken on, and its container engine."""

import os
import platform
from dataclasses import dataclass

from coldstart_harness.engine import Engine


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """A machine.

    Args:
        processor: as the kernel names it.
        cpus: that this process may use.
        memory: as the kernel writes it, with its unit.
        kernel: its release.
        load_average_before: of the last minute, before anything was measured: how busy the machine was.
    """

    processor: str
    cpus: int
    memory: str
    kernel: str
    load_average_before: float


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """A container engine: `docker` or `podman`, its version, and how it stores layers."""

    kind: str
    version: str
    storage_driver: str

    def __str__(self) -> str:
        return f"{self.kind} {self.version}, storage driver {self.storage_driver}"


def machine_facts() -> MachineFacts:
    """This machine, now."""
    return MachineFacts(
        processor=_first_of("/proc/cpuinfo", "model name") or platform.processor(),
        cpus=len(os.sched_getaffinity(0)),
        memory=_first_of("/proc/meminfo", "MemTotal"),
        kernel=platform.release(),
        load_average_before=os.getloadavg()[0],
    )


def engine_facts(engine: Engine) -> EngineFacts:
    """What the engine says of itself."""
    info = engine.client.info()
    return EngineFacts(engine.kind, str(info.get("ServerVersion", "")), str(info.get("Driver", "")))


def _first_of(path: str, key: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a kernel file, read line by line
            return next((line.partition(":")[2].strip() for line in file if line.startswith(key)), "")
    except OSError:
        return ""
