"""Machinery that every service shares: settings, model registry, scheduler, start-up timeline, metrics, logging."""
