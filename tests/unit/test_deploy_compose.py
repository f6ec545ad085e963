"""The Compose files: hardened, and with the times and limits that follow from slo.toml."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from coldstart.runtime.settings import Settings
from coldstart_harness.slo.loading import load_slo
from coldstart_harness.slo.thresholds import failures_allowed, start_allowance_s, stop_allowance_s

TREE = Path(__file__).parents[2]
COMPOSE = TREE / "deploy" / "compose"
FILE = COMPOSE / "voice.yaml"
INTERVIEW_FILE = COMPOSE / "interview.yaml"
# Which of the two containers of an interview, and the mode that it runs in.
PARTS = {"api": "interview-api", "worker": "interview-worker"}
SLO = load_slo(TREE / "slo.toml").slo
VERSION = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poetry"]["version"]
# As nix/lib/healthCheckOf.nix has them.
INTERVAL_S = 30
CHECK_S = 3


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def interview() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(INTERVIEW_FILE.read_text(encoding="utf-8"))
    return found


def times_and_limits(name: str) -> dict[str, Any]:
    """What a container of the service must have."""
    promised = SLO.services[name]
    promises = promised.promises
    assert promises.memory_mb is not None
    return {
        "mem_limit": promises.memory_mb * 1_000_000,
        "stop_grace_period": f"{stop_allowance_s(promises)}s",
        "healthcheck": {
            "test": ["CMD", "python", "-m", "coldstart.apps.healthcheck"],
            "interval": f"{INTERVAL_S}s",
            "timeout": f"{math.ceil(promises.deadline_s) + CHECK_S}s",
            "start_period": f"{start_allowance_s(promises, promised.start_timeout_s)}s",
            "retries": failures_allowed(promises, INTERVAL_S, stopping=True),
        },
    }


def assert_hardened(met: dict[str, Any]) -> None:
    """Of the root nothing can be written but /tmp, no privilege is there or can be gained, and it comes back."""
    assert met["restart"] == "unless-stopped"
    assert met["read_only"] is True
    assert [entry.partition(":")[0] for entry in met["tmpfs"]] == ["/tmp"]  # noqa: S108 - inside the container
    assert met["cap_drop"] == ["ALL"]
    assert met["security_opt"] == ["no-new-privileges:true"]


def test_it_has_both_voice_services(document: dict[str, Any]) -> None:
    """Each runs its own slim image of this version, unless another one is named."""
    images = {name: service["image"] for name, service in document["services"].items()}
    assert images == {name: f"${{{name.upper()}_IMAGE:-coldstart-{name}:{VERSION}}}" for name in ("asr", "tts")}


@pytest.mark.parametrize("name", ["asr", "tts"])
def test_times_and_limits_follow_from_the_promises(document: dict[str, Any], name: str) -> None:
    """The same as in the image's own health check and in the objects for Kubernetes."""
    assert times_and_limits(name).items() <= document["services"][name].items()


@pytest.mark.parametrize("name", ["asr", "tts"])
def test_it_listens_where_the_promises_say_and_on_loopback_only(document: dict[str, Any], name: str) -> None:
    """Who wants it on the network puts something in front that knows its callers."""
    port = SLO.services[name].port
    assert document["services"][name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("name", ["asr", "tts"])
def test_it_is_hardened(document: dict[str, Any], name: str) -> None:
    """And what it is given it can only read."""
    met = document["services"][name]
    assert_hardened(met)
    assert all(volume.endswith(":ro") for volume in met["volumes"])


@pytest.mark.parametrize("name", ["asr", "tts"])
def test_what_may_be_chosen_is_in_its_environment_file(document: dict[str, Any], name: str) -> None:
    """The file is there, and chooses the service that the image has."""
    (path,) = document["services"][name]["env_file"]
    text = (FILE.parent / path).resolve().read_text(encoding="utf-8")
    assert f"\nSERVICE_MODE={name}\n" in text


def test_every_volume_that_a_service_names_is_declared(document: dict[str, Any]) -> None:
    """By the name that it has where nobody names a directory."""
    used = {
        volume.partition(":-")[2].partition("}")[0]
        for service in document["services"].values()
        for volume in service["volumes"]
    }
    assert used == set(document["volumes"])


def test_voices_are_where_the_settings_look_for_them(document: dict[str, Any]) -> None:
    """The volume lies at the default of TTS_VOICES."""
    where = [volume.split(":")[-2] for volume in document["services"]["tts"]["volumes"]]
    assert str(Settings.model_fields["tts_voices"].default) in where


@pytest.mark.parametrize("part", PARTS)
def test_both_parts_of_an_interview_are_as_the_one_container_of_both(interview: dict[str, Any], part: str) -> None:
    """The same image, times and limits; hardened, and the one volume is where the settings keep what is kept."""
    met = interview["services"][part]
    assert met["image"] == f"${{INTERVIEW_IMAGE:-coldstart-interview:{VERSION}}}"
    assert times_and_limits("interview").items() <= met.items()
    assert_hardened(met)
    assert met["volumes"] == [f"kept:{Settings.model_fields['interview_root'].default}"]
    assert met["environment"] == {"SERVICE_MODE": PARTS[part], "DATABASE_URL": "${DATABASE_URL:-}"}
    assert [(INTERVIEW_FILE.parent / path).resolve().name for path in met["env_file"]] == ["interview.env"]


def test_only_the_api_of_an_interview_listens_and_on_loopback_only(interview: dict[str, Any]) -> None:
    """Where the promises say."""
    port = SLO.services["interview"].port
    listening = {name: service["ports"] for name, service in interview["services"].items() if "ports" in service}
    assert listening == {"api": [f"127.0.0.1:{port}:{port}"]}


def test_postgres_is_started_when_it_is_asked_for(interview: dict[str, Any]) -> None:
    """Its password is nowhere but in the environment, and every volume is declared."""
    postgres = interview["services"]["postgres"]
    assert postgres["profiles"] == ["postgres"]
    assert postgres["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:-}"
    used = {volume.partition(":")[0] for service in interview["services"].values() for volume in service["volumes"]}
    assert used == set(interview["volumes"])
