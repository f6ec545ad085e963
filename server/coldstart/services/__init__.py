"""What the services do, in terms of domain protocols; no web framework, no engine."""
