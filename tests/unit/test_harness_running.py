"""How containers under proof are created: as the service under proof wants it, and at its own port."""

from pathlib import Path
from typing import Any, cast

import pytest

from coldstart_harness.engine import Engine
from coldstart_harness.proofs.proof import Effort, Trial
from coldstart_harness.proofs.running import created
from coldstart_harness.slo.document import Image, Service


class FakeEngine:
    """An engine on another machine: keeps what it was asked to create."""

    host = "tcp://elsewhere:2376"

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    @property
    def client(self) -> "FakeEngine":
        return self

    @property
    def containers(self) -> "FakeEngine":
        return self

    def create(self, reference: str, **options: Any) -> object:
        self.asked.append({"reference": reference, **options})
        return object()


def service(name: str, port: int) -> Service:
    return Service.model_validate(
        {
            "port": port,
            "liveness": "/livez",
            "readiness": "/readyz",
            "env": {"SERVICE_MODE": name},
            "requests": {"ask": {"path": "/ask"}},
        }
    )


@pytest.mark.parametrize(("name", "port"), [("asr", 5001), ("tts", 5002)])
def test_each_service_of_an_image_is_proved_in_its_own_mode_at_its_own_port(name: str, port: int) -> None:
    """One image of several services is started once for each, and published where that one listens."""
    engine = FakeEngine()
    trial = Trial(
        engine=cast(Engine, engine),
        reference="coldstart:1",
        image=Image(),
        services={"asr": service("asr", 5001), "tts": service("tts", 5002)},
        service_name=name,
        effort=Effort(),
        say=lambda _line: None,
        scratch=Path(),
    )
    created(trial, environment={"MORE": "1"})
    (asked,) = engine.asked
    assert asked["environment"] == {"SERVICE_MODE": name, "MORE": "1"}
    assert asked["ports"] == {f"{port}/tcp": ("127.0.0.1", None)}
