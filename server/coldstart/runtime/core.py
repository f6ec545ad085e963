"""What every service of one process shares, built at the entry point and handed down."""

from dataclasses import dataclass

from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.settings import Settings
from coldstart.runtime.timeline import StartupTimeline


@dataclass(frozen=True, slots=True)
class Core:
    """The shared parts of one process."""

    settings: Settings
    registry: ModelRegistry
    timeline: StartupTimeline
    lifecycle: Lifecycle
