"""What /metrics tells; every collector belongs to one application, none to the module."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from coldstart import __version__
from coldstart.runtime.core import Core
from coldstart.runtime.models import ModelState

# A token's step takes about 5 ms, a prefill of 1000 tokens half a second, a completion many seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

router = APIRouter(tags=["metrics"])


@runtime_checkable
class Measured(Protocol):
    """A service that measures its own work."""

    @property
    def collectors(self) -> Sequence[Collector]:
        """Made without a registry, for the application has its own."""
        ...


class HttpMetrics:
    """The collectors of one application.

    Args:
        core: registry and timeline are told, too.
        services: class → instance; those that are `Measured` have theirs told.
    """

    def __init__(self, core: Core, services: Mapping[type[Any], Any]) -> None:
        self.registry = CollectorRegistry()
        self.duration = Histogram(
            "http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer; of a model's answer with the model.",
            ("method", "route", "status", "model"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests that are being answered.", registry=self.registry)
        self.websockets = Counter(
            "websocket_closes", "WebSockets that were accepted and are over.", ("route", "code"), registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(_CoreCollector(core))
        for service in services.values():
            if isinstance(service, Measured):
                for collector in service.collectors:
                    self.registry.register(collector)


class _CoreCollector(Collector):
    """Reads registry and timeline when asked, so that nobody has to push."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily(
            "coldstart_build",
            "What is running.",
            {"version": __version__, "revision": self._core.settings.build_revision},
        )
        yield from self._startup()
        yield from self._models()

    def _startup(self) -> Iterable[Metric]:
        marks = self._core.timeline.marks
        startup = GaugeMetricFamily(
            "coldstart_startup_seconds", "Seconds from process start to each phase of the start.", labels=("phase",)
        )
        for phase, seconds in marks.items():
            startup.add_metric((phase,), seconds)
        yield startup
        if "ready" in marks:
            yield GaugeMetricFamily(
                "process_start_to_ready_seconds",
                "Seconds from process start to the first readiness.",
                marks["ready"],
            )

    def _models(self) -> Iterable[Metric]:
        load = GaugeMetricFamily("model_load_seconds", "Duration of each loading phase.", labels=("model", "phase"))
        state = GaugeMetricFamily("model_state", "1 for the state that the model is in.", labels=("model", "state"))
        depth = GaugeMetricFamily("model_queue_depth", "Requests waiting for the engine.", labels=("model",))
        refusals = CounterMetricFamily("model_refusals", "Requests refused by a full queue.", labels=("model",))
        failures = CounterMetricFamily("model_failures", "Steps on which the engine failed.", labels=("model",))
        share = GaugeMetricFamily(
            "model_share", "Part of the requests that name no revision, in [0, 1].", labels=("model", "revision")
        )
        for name, status in self._core.registry.states().items():
            for phase, seconds in status.phases.items():
                load.add_metric((name, phase), seconds)
            for value in ModelState:
                state.add_metric((name, value), float(status.state is value))
            depth.add_metric((name,), status.queue_depth)
            refusals.add_metric((name,), status.refusals)
            failures.add_metric((name,), status.failures)
            share.add_metric((name, status.entry.revision), status.share)
        yield from (load, state, depth, refusals, failures, share)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """All metrics in Prometheus' text form."""
    http_metrics: HttpMetrics = request.app.state.metrics
    return Response(generate_latest(http_metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
