"""How much memory and processor time a container takes, as its engine tells."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from docker.errors import APIError
from docker.models.containers import Container

_INTERVAL_S = 0.25
_NS_PER_S = 1e9


@dataclass
class Usage:
    """Samples, the oldest first."""

    memory_bytes: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, stats: Mapping[str, Any]) -> None:
        """Take one sample; an engine that does not tell gives none."""
        memory = memory_bytes_of(stats)
        if memory is not None:
            self.memory_bytes.append(memory)
            self.cpu_s.append(stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0) / _NS_PER_S)


def memory_bytes_of(stats: Mapping[str, Any]) -> float | None:
    """What the container holds, without file pages that the kernel may drop at any time; None: the engine is silent.

    Source: `docker stats` subtracts `total_inactive_file` (cgroup v1) or `inactive_file` (cgroup v2).
    """
    memory = stats.get("memory_stats", {})
    if "usage" not in memory:
        return None
    detail = memory.get("stats", {})
    return float(memory["usage"] - detail.get("total_inactive_file", detail.get("inactive_file", 0)))


@contextmanager
def usage_of(container: Container) -> Iterator[Usage]:
    """Samples of a container, several a second, while the body runs."""
    usage = Usage()
    over = threading.Event()

    def sample() -> None:
        while not over.is_set():
            try:
                usage.add(container.stats(stream=False, one_shot=True))
            except APIError:
                return
            over.wait(_INTERVAL_S)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        over.set()
        thread.join()
