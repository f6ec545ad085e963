"""Which model answers a request: the reply's header tells its revision, and the metrics its label."""

from starlette.requests import HTTPConnection
from starlette.types import Scope

from coldstart.domain.manifest import ModelEntry

REVISION_HEADER = "x-model-revision"


def answered_by(connection: HTTPConnection, model: ModelEntry) -> None:
    """From here on the request is that model's, also where it fails."""
    connection.state.answering_model = model


def answering_model(scope: Scope) -> ModelEntry | None:
    """What `answered_by` was told, if anything."""
    model: ModelEntry | None = scope.get("state", {}).get("answering_model")
    return model
