"""The documentation's tables of routes against the routes."""

import re
from pathlib import Path

from fastapi.routing import APIRoute

from coldstart.api import openai, openai_models, wheel

PAGE = Path(__file__).parents[2] / "docs" / "architecture" / "04-token-wheel.md"


def test_the_documented_routes_are_the_routes() -> None:
    """docs/architecture/04-token-wheel.md names each route of the wheel and of the OpenAI side, and no other."""
    documented = set(re.findall(r"^\| `([A-Z]+ /\S+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    routes = [route for router in (wheel.router, openai.router, openai_models.router) for route in router.routes]
    served = {
        f"{method} {route.path.replace(':path', '')}"
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert documented == served
