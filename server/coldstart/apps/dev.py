"""The application as a factory, for `uvicorn --factory --reload coldstart.apps.dev:app_factory`."""

import os

from fastapi import FastAPI

from coldstart.apps.command import compose
from coldstart.apps.serving import build_app
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline


def app_factory() -> FastAPI:
    """One application of its own at each call; its lifespan loads the models.

    Raises:
        ConfigurationError: the environment does not say what to serve.
    """
    timeline = StartupTimeline()
    core, services = compose(load_settings(os.environ), timeline)
    # uvicorn does so as soon as it has the application, and tells nobody.
    timeline.mark("listening")
    return build_app(core, services)
