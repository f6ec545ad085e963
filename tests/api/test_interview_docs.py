"""docs/interview.md against what it documents."""

import re
from pathlib import Path

from fastapi.routing import APIRoute, APIWebSocketRoute

from coldstart.api import interview_live, interviews
from coldstart.api.interview_schemas import LiveQuery, NewSession
from coldstart.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "interview.md").read_text(encoding="utf-8")


def table(heading: str) -> str:
    return PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]


def test_the_documented_routes_are_all_there_are() -> None:
    """With their methods and paths."""
    served = {
        f"{method} {route.path}"
        for route in interviews.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    served |= {f"WS {route.path}" for route in interview_live.router.routes if isinstance(route, APIWebSocketRoute)}
    assert set(re.findall(r"^\| `((?:GET|POST|DELETE|WS) [^`]+)`", table("route"), re.MULTILINE)) == served


def test_the_documented_query_is_what_is_taken() -> None:
    """Each parameter of the WebSocket, in its order."""
    assert re.findall(r"^\| `(\w+)`", table("query"), re.MULTILINE) == list(LiveQuery.model_fields)


def test_the_documented_events_are_those_that_are_sent() -> None:
    """Each `type` that the code writes."""
    code = "".join(
        (ROOT / "server" / "coldstart" / "api" / name).read_text()
        for name in ("interview_live.py", "live_conversation.py", "live_schemas.py")
    )
    first_cells = re.findall(r"^\| ([^|]+) \|", table("event"), re.MULTILINE)
    documented = {event for cell in first_cells for event in re.findall(r"`(\w+)`", cell)}
    assert documented == set(re.findall(r'"type": "(\w+)"', code))


def test_the_documented_fields_of_a_new_session_exist() -> None:
    """All that may be asked for."""
    cell = PAGE.partition("| `POST /sessions/create` |")[2].partition("\n")[0]
    assert set(NewSession.model_fields) <= set(re.findall(r"`(\w+)`", cell))


def test_the_documented_settings_exist() -> None:
    """Each word in capitals with an underscore is a setting."""
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", PAGE)) - {"SERVICE_MODE"}
    assert named
    assert named <= {field.upper() for field in Settings.model_fields}
