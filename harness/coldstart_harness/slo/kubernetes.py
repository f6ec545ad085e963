"""A Deployment and a Service for Kubernetes, with probes and limits from what a service promises. Pure."""

import math
from typing import Any

from coldstart_harness.slo.document import Service
from coldstart_harness.slo.thresholds import failures_allowed, start_allowance_s, stop_allowance_s

_START_PERIOD_S = 1
_READINESS_PERIOD_S = 5
_LIVENESS_PERIOD_S = 10
# What images run as (nix/images/config.nix); volumes are made its own.
_USER = 1000


def kubernetes_objects(name: str, service: Service) -> list[dict[str, Any]]:
    """The objects, as YAML holds them. The image is the service's name, for kustomize or a person to replace."""
    object_name = name.lower().replace("_", "-")
    claims = [_claim(volume, object_name, size) for volume, (_path, size) in _volumes(object_name, service).items()]
    return [*claims, _deployment(object_name, service), _service(object_name, service)]


def _deployment(name: str, service: Service) -> dict[str, Any]:
    labels = _labels(name)
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": _pod(name, service)}
    if service.metrics is not None:
        template["metadata"]["annotations"] = {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(service.port),
            "prometheus.io/path": service.metrics,
        }
    # A volume is of one instance: the old one ends before the new one begins.
    scale: dict[str, Any] = {"replicas": 1, "strategy": {"type": "Recreate"}} if service.volumes else {"replicas": 2}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {**scale, "selector": {"matchLabels": labels}, "template": template},
    }


def _volumes(name: str, service: Service) -> dict[str, tuple[str, str]]:
    """Name of a claim → where it is mounted, and its size."""
    one = len(service.volumes) == 1
    return {
        name if one else f"{name}-{path.strip('/').replace('/', '-')}": (path, size)
        for path, size in service.volumes.items()
    }


def _claim(volume: str, name: str, size: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume, "labels": _labels(name)},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }


def _pod(name: str, service: Service) -> dict[str, Any]:
    security: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if service.volumes:
        security["fsGroup"] = _USER
    claimed = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in _volumes(name, service)]
    return {
        "automountServiceAccountToken": False,
        # Kubernetes would else set NAME_PORT for every service of the namespace.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": stop_allowance_s(service.promises),
        "securityContext": security,
        "containers": [_container(name, service)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, *claimed],
    }


def _container(name: str, service: Service) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "image": name,
        "ports": [{"name": "http", "containerPort": service.port}],
        "startupProbe": _probe(
            service, service.readiness, _START_PERIOD_S, start_allowance_s(service.promises, service.start_timeout_s)
        ),
        "readinessProbe": _probe(
            service,
            service.readiness,
            _READINESS_PERIOD_S,
            failures_allowed(service.promises, _READINESS_PERIOD_S, stopping=False),
        ),
        "livenessProbe": _probe(
            service,
            service.liveness,
            _LIVENESS_PERIOD_S,
            failures_allowed(service.promises, _LIVENESS_PERIOD_S, stopping=True),
        ),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
            *({"name": volume, "mountPath": path} for volume, (path, _size) in _volumes(name, service).items()),
        ],
    }
    if service.env:
        container["env"] = [{"name": key, "value": value} for key, value in service.env.items()]
    if service.promises.memory_mb is not None:
        memory = f"{math.ceil(service.promises.memory_mb)}M"
        container["resources"] = {"requests": {"memory": memory}, "limits": {"memory": memory}}
    return container


def _probe(service: Service, path: str, period_s: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period_s,
        "timeoutSeconds": math.ceil(service.promises.deadline_s),
        "failureThreshold": failures,
    }


def _service(name: str, service: Service) -> dict[str, Any]:
    labels = _labels(name)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": service.port, "targetPort": "http"}]},
    }


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}
