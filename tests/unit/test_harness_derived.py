"""What is generated from the file of promises: the files under deploy/, and that they agree with the server."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.doubles import FakeNextTokenEngine
from tests.wheel_serving import core_over

from coldstart.api.app import create_app
from coldstart_harness.slo.derived import COMMAND, derived_files, write_derived
from coldstart_harness.slo.document import Promises, Service
from coldstart_harness.slo.kubernetes import kubernetes_objects
from coldstart_harness.slo.loading import load_slo
from coldstart_harness.slo.prometheus import prometheus_rules

TREE = Path(__file__).parents[2]
# What Prometheus itself makes for every job.
PROMETHEUS_OWN = {"up"}
SERVICE = {
    "port": 8000,
    "liveness": "/livez",
    "readiness": "/readyz",
    "metrics": "/metrics",
    "requests": {"ask": {"path": "/v1/ask?fast=1", "json": {}}},
}


def service(**promises: float) -> Service:
    return Service.model_validate({**SERVICE, "promises": promises})


def alerts_of(name: str, of: Service) -> dict[str, dict[str, Any]]:
    rules = prometheus_rules(name, of)
    assert rules is not None
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}


def container_of(of: Service) -> dict[str, Any]:
    pod: dict[str, Any] = kubernetes_objects("wheel", of)[0]["spec"]["template"]["spec"]
    container: dict[str, Any] = pod["containers"][0]
    return {**container, "pod": pod}


def test_the_files_under_deploy_are_those_of_the_promises() -> None:
    """Every generated file is what slo.toml says now, and there is no other."""
    wanted = derived_files(load_slo(TREE / "slo.toml"))
    met = {
        path.relative_to(TREE / "deploy"): path.read_text(encoding="utf-8")
        for folder in ("kubernetes", "prometheus")
        for path in (TREE / "deploy" / folder).rglob("*.yaml")
    }
    stale = sorted(str(path) for path in wanted.keys() | met.keys() if wanted.get(path) != met.get(path))
    assert stale == [], f"deploy/ does not follow slo.toml; remove what no service has any more, and run: {COMMAND}"


def test_files_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    """Each file is written below the directory, headed by the command that does so."""
    written = write_derived(load_slo(TREE / "slo.toml"), tmp_path / "new")
    assert {path.relative_to(tmp_path / "new").parts[0] for path in written} == {"kubernetes", "prometheus"}
    assert all(COMMAND in path.read_text(encoding="utf-8").splitlines()[0] for path in written)


async def test_rules_read_metrics_that_the_server_exports(tmp_path: Path) -> None:
    """Every metric and every label of the rules is in the server's own /metrics."""
    core = core_over(tmp_path, FakeNextTokenEngine(), "alpha")
    try:
        core.registry.start()
        assert core.registry.wait_settled(10)
        core.timeline.mark("listening")
        transport = httpx.ASGITransport(create_app(core, routers=[]))
        async with httpx.AsyncClient(transport=transport, base_url="http://derived") as client:
            await client.get("/livez")
            exported = (await client.get("/metrics")).text
    finally:
        core.registry.close(5)
    series = {line.split("{")[0].split(" ")[0] for line in exported.splitlines() if not line.startswith("#")}
    rules = prometheus_rules("wheel", load_slo(TREE / "slo.toml").slo.services["wheel"])
    assert rules is not None
    expressions = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    read = set(re.findall(r"(?<![:\w])([a-z_]+)\{", expressions)) - PROMETHEUS_OWN
    assert len(read) >= 4
    assert read <= series
    labels = set(re.findall(r"[{,]([a-z]+)[=!]", expressions)) - {"job"}
    assert labels <= set(re.findall(r"[{,]([a-z]+)=", exported))


def test_recorded_ratios_are_the_ones_that_alerts_read() -> None:
    """No alert waits for a series that no rule records."""
    rules = prometheus_rules("wheel", service(error_ratio=0.01))
    assert rules is not None
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in every if "record" in rule}
    read = {name for rule in every if "alert" in rule for name in re.findall(r"job:[\w:]+", rule["expr"])}
    assert read == recorded != set()


def test_errors_alert_by_how_fast_they_use_up_what_is_promised() -> None:
    """A promise of 1% pages at 14.4% within an hour; a promise of none alerts at the first error."""
    assert "> 0.144" in alerts_of("wheel", service(error_ratio=0.01))["WheelErrorsOver1h"]["expr"]
    assert alerts_of("wheel", service())["WheelErrors"]["expr"].endswith("> 0")


def test_latency_alerts_at_the_promised_time_of_the_promised_request() -> None:
    """The bound is in seconds, the route is without its query; nothing promised, no alert."""
    slow = alerts_of("wheel", service(p99_ms=250))["WheelSlow"]
    assert 'route="/v1/ask"' in slow["expr"]
    assert slow["expr"].endswith("> 0.25")
    assert "WheelSlow" not in alerts_of("wheel", service())


def test_a_service_without_metrics_has_no_alerts() -> None:
    """Other people's services export other names."""
    assert prometheus_rules("theirs", Service.model_validate({**SERVICE, "metrics": None})) is None


def test_every_alert_says_what_is_wrong() -> None:
    """Each alert has a severity and a sentence."""
    for alert in alerts_of("wheel", service(p99_ms=1, ready_s=1, memory_mb=1, error_ratio=0.1)).values():
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize(("promises", "seconds"), [({"ready_s": 2.5}, 25), ({"ready_s": 0.2}, 10), ({}, 60)])
def test_kubernetes_waits_for_a_start_ten_times_as_long_as_promised(promises: dict[str, float], seconds: int) -> None:
    """At least ten seconds; where nothing is promised, as long as the harness itself would."""
    probe = container_of(service(**promises))["startupProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


def test_kubernetes_does_not_kill_what_recovers_or_stops() -> None:
    """Liveness fails for longer than a recovery and a stop take; a stop has its grace and more."""
    container = container_of(service(grace_s=60, recovery_s=20, deadline_s=1.5))
    probe = container["livenessProbe"]
    assert probe["periodSeconds"] * (probe["failureThreshold"] - 1) >= 60 + 20
    assert probe["timeoutSeconds"] == 2
    assert container["pod"]["terminationGracePeriodSeconds"] == Promises(grace_s=60).grace_s + 5


def test_kubernetes_takes_every_privilege_away() -> None:
    """Not root, read-only, no capability, no privilege to gain, a system call filter, and /tmp to write to."""
    container = container_of(service())
    assert container["pod"]["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - inside the container
    assert "emptyDir" in container["pod"]["volumes"][0]


def test_kubernetes_gives_the_promised_memory() -> None:
    """Request and limit are the promise; without one there is none."""
    assert container_of(service(memory_mb=600))["resources"]["limits"] == {"memory": "600M"}
    assert "resources" not in container_of(service())


def test_names_are_such_as_kubernetes_takes() -> None:
    """Underscores become hyphens in every object."""
    deployment, its_service = kubernetes_objects("Token_wheel", service())
    assert deployment["metadata"]["name"] == its_service["metadata"]["name"] == "token-wheel"
    assert deployment["spec"]["selector"]["matchLabels"] == its_service["spec"]["selector"]


def test_generated_files_are_plain_yaml() -> None:
    """Each is read back as the objects it was made of: no anchors, no tags."""
    for path, text in derived_files(load_slo(TREE / "slo.toml")).items():
        kinds = [document.get("kind", "rules") for document in yaml.safe_load_all(text)]
        claims = kinds.count("PersistentVolumeClaim") * ["PersistentVolumeClaim"]
        assert kinds == ([*claims, "Deployment", "Service"] if path.parts[0] == "kubernetes" else ["rules"])
        assert "&id" not in text


def test_a_service_that_keeps_something_is_one_instance_with_its_volume() -> None:
    """The old one ends before the new one begins, and the volume is its user's; one without is two."""
    kept = Service.model_validate({**SERVICE, "volumes": {"/var/lib/kept": "2Gi"}})
    claim, deployment, _ = kubernetes_objects("wheel", kept)
    pod = deployment["spec"]["template"]["spec"]
    assert claim["kind"] == "PersistentVolumeClaim"
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]["type"]) == (1, "Recreate")
    assert pod["securityContext"]["fsGroup"] == 1000
    (volume,) = [volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert {"name": volume["name"], "mountPath": "/var/lib/kept"} in pod["containers"][0]["volumeMounts"]
    assert kubernetes_objects("wheel", service())[0]["spec"]["replicas"] == 2


def test_several_volumes_have_names_of_their_own() -> None:
    """By their directories."""
    kept = Service.model_validate({**SERVICE, "volumes": {"/var/lib/kept": "2Gi", "/logs": "1Gi"}})
    names = [made["metadata"]["name"] for made in kubernetes_objects("wheel", kept)]
    assert names == ["wheel-var-lib-kept", "wheel-logs", "wheel", "wheel"]
