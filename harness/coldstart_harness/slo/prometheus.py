"""Alert rules for Prometheus, from what a service promises. Pure.

Metrics have the names under which Coldstart's server exports them; the scrape job has the service's name.
"""

from typing import Any

from coldstart_harness.slo.document import Service
from coldstart_harness.slo.thresholds import start_allowance_s

_REQUESTS = "http_request_duration_seconds"
# How much faster than promised errors may come, over a long window and a short one that ends the alert soon.
# Source: Google, The Site Reliability Workbook, chapter 5, table 5-8.
_BURN_RATES = ((14.4, "1h", "5m", "page"), (6.0, "6h", "30m", "page"), (1.0, "3d", "6h", "ticket"))
_RESTARTS_AN_HOUR = 2
_MEMORY_SHARE = 0.9

Rule = dict[str, Any]


def prometheus_rules(name: str, service: Service) -> dict[str, Any] | None:
    """A file of rules, as YAML holds it; None for a service that exports no metrics."""
    if service.metrics is None:
        return None
    alerts = [
        *_presence(name, service),
        *_errors(name, service),
        *_latency(name, service),
        *_pressure(name, service),
    ]
    groups = [{"name": f"{name}-alerts", "rules": alerts}]
    if service.promises.error_ratio > 0:
        groups.insert(0, {"name": f"{name}-error-ratios", "rules": _error_ratios(name, service)})
    return {"groups": groups}


def _alert(name: str, what: str, expr: str, lasting: str, severity: str, sentence: str) -> Rule:
    return {
        "alert": _camel(name) + what,
        "expr": expr,
        "for": lasting,
        "labels": {"severity": severity, "service": name},
        "annotations": {"summary": sentence},
    }


def _presence(name: str, service: Service) -> list[Rule]:
    ready_s = service.promises.ready_s
    allowance = f"{start_allowance_s(service.promises, service.start_timeout_s)}s"
    rules = [
        _alert(name, "Absent", f'absent(up{{job="{name}"}})', "5m", "page", f"Prometheus scrapes no {name} at all."),
        _alert(
            name,
            "NotUp",
            f'up{{job="{name}"}} == 0',
            "1m",
            "page",
            f"{name} on {{{{ $labels.instance }}}} does not answer {service.metrics}.",
        ),
        _alert(
            name,
            "NotReady",
            f'max by (job, instance, model) (model_state{{job="{name}",state="ready"}}) == 0',
            allowance,
            "page",
            f"Model {{{{ $labels.model }}}} on {{{{ $labels.instance }}}} has not been ready for {allowance}.",
        ),
        _alert(
            name,
            "Restarts",
            f'changes(process_start_time_seconds{{job="{name}"}}[1h]) > {_RESTARTS_AN_HOUR}',
            "0s",
            "ticket",
            f"{name} on {{{{ $labels.instance }}}} started {{{{ $value }}}} times within an hour.",
        ),
    ]
    if ready_s is not None:
        rules.append(
            _alert(
                name,
                "StartsSlowly",
                f'process_start_to_ready_seconds{{job="{name}"}} > {ready_s:g}',
                "0s",
                "ticket",
                f"{{{{ $labels.instance }}}} became ready after {{{{ $value }}}} s; {ready_s:g} s are promised.",
            )
        )
    return rules


def _errors(name: str, service: Service) -> list[Rule]:
    budget = service.promises.error_ratio
    if budget == 0:
        expr = f"sum by (job) (increase({_errors_of(name, service)}[5m])) > 0"
        return [_alert(name, "Errors", expr, "0s", "page", f"{name} answered with errors; none are promised.")]
    return [
        _alert(
            name,
            f"ErrorsOver{long}",
            f'job:http_request_errors:ratio_rate{long}{{job="{name}"}} > {rate * budget:g}\n'
            f'and job:http_request_errors:ratio_rate{short}{{job="{name}"}} > {rate * budget:g}',
            "0s",
            severity,
            f"{{{{ $value | humanizePercentage }}}} of the answers of {name} in {long} are errors: "
            f"{rate:g} × the promised {100 * budget:g}%.",
        )
        for rate, long, short, severity in _BURN_RATES
    ]


def _error_ratios(name: str, service: Service) -> list[Rule]:
    windows = dict.fromkeys(window for _rate, long, short, _severity in _BURN_RATES for window in (short, long))
    return [
        {
            "record": f"job:http_request_errors:ratio_rate{window}",
            "expr": f"sum by (job) (rate({_errors_of(name, service)}[{window}]))\n"
            f"/ sum by (job) (rate({_answers_of(name, service)}[{window}]))",
        }
        for window in windows
    ]


def _latency(name: str, service: Service) -> list[Rule]:
    bound_ms, request = service.promises.p99_ms, service.request
    if bound_ms is None:
        return []
    route = request.path.partition("?")[0]
    answers = f'{_REQUESTS}_bucket{{job="{name}",route="{route}",status="{request.expect.status}"}}'
    return [
        _alert(
            name,
            "Slow",
            f"histogram_quantile(0.99, sum by (job, le) (rate({answers}[5m]))) > {bound_ms / 1000:g}",
            "10m",
            "page",
            f"1% of the answers of {route} take longer than {{{{ $value | humanizeDuration }}}}; "
            f"{bound_ms:g} ms are promised for the request in slo.toml.",
        )
    ]


def _pressure(name: str, service: Service) -> list[Rule]:
    most = 1 - service.promises.goodput_ratio
    turned_away = _answers_of(name, service, ',status=~"429|503"')
    rules = [
        _alert(
            name,
            "TurnsAway",
            f"sum by (job) (rate({turned_away}[5m]))\n"
            f"/ sum by (job) (rate({_answers_of(name, service)}[5m])) > {most:g}",
            "10m",
            "ticket",
            f"{name} turns away {{{{ $value | humanizePercentage }}}} of its requests: it needs more replicas.",
        )
    ]
    memory_mb = service.promises.memory_mb
    if memory_mb is not None:
        rules.append(
            _alert(
                name,
                "NearMemoryLimit",
                f'process_resident_memory_bytes{{job="{name}"}} > {round(_MEMORY_SHARE * memory_mb * 1_000_000)}',
                "10m",
                "ticket",
                f"{{{{ $labels.instance }}}} uses {{{{ $value | humanize }}}}B; {memory_mb:g} MB are promised.",
            )
        )
    return rules


def _answers_of(name: str, service: Service, more: str = "") -> str:
    probes = (service.liveness, service.readiness, service.health, service.metrics)
    routes = "|".join(path for path in probes if path is not None)
    return f'{_REQUESTS}_count{{job="{name}",route!~"{routes}"{more}}}'


def _errors_of(name: str, service: Service) -> str:
    """Answers of 5xx, without those turned away: these have an alert of their own."""
    return _answers_of(name, service, ',status=~"5..",status!="503"')


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))
