"""Load tests with locust, against a local container as much as against staging; promises come from `slo.toml`."""
