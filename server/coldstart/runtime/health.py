"""What a service adds to the process's health document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How a service is beside its models.

    Args:
        members: of `/health`, by names that no other service has.
        degraded: one sentence for each thing that is missing while the service goes on; empty where nothing is.
    """

    members: Mapping[str, Any]
    degraded: tuple[str, ...] = ()
