"""Two revisions of one model side by side: who answers, what the reply says of it, and what the metrics show."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.doubles import FakeNextTokenEngine, write_manifest
from tests.processes import exit_of
from tests.wheel_serving import wheel_client

from coldstart.domain.manifest import load_manifest
from coldstart.runtime.core import Core
from coldstart.runtime.lifecycle import Lifecycle
from coldstart.runtime.loading import ModelLoading, TaskServing
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.routing import Routing, weights_of
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.next_token_golden import check_next_token

STABLE, CANARY = "607a30d783dfa663caf39e06633721c8d4cfcd7e", "607a30df83dfa663caf39e06633721c8d4cfcd7e"
WEIGHTS = f"tiny@{STABLE}=90,tiny@{CANARY}=10"
# At temperature 0, for a text that is drawn may end before its time.
PROMPT = {"prompt": "the cat", "max_tokens": 2, "temperature": 0}


def side_by_side(directory: Path, **canary: Any) -> Path:
    """A manifest of two revisions of `tiny`; of the second something more may be said."""
    path = write_manifest(directory, "stable", "canary")
    document = json.loads(path.read_text())
    document["models"][0] |= {"name": "tiny", "revision": STABLE}
    document["models"][1] |= {"name": "tiny", "revision": CANARY, **canary}
    path.write_text(json.dumps(document))
    return path


@asynccontextmanager
async def client_over(
    manifest: Path, engines: Mapping[str, FakeNextTokenEngine], weights: str | None = WEIGHTS
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the wheel over that manifest; each revision is an engine of its own, by its artifact's name."""
    settings = load_settings({"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(manifest)})
    serving = TaskServing(
        engine_name="fake",
        prepare=lambda: lambda path: engines[path.name],
        check=check_next_token,
        recover=lambda kept, request: kept.forget(request.sequence_id or ""),
    )
    entries = load_manifest(manifest).models
    timeline = StartupTimeline()
    loading = ModelLoading({"next-token": serving}, settings.queue_limit)
    routing = Routing(entries, weights_of(weights, entries), seed=7)
    async with wheel_client(
        Core(settings, ModelRegistry(entries, loading, timeline, routing), timeline, Lifecycle())
    ) as client:
        yield client


def engines(**canary: Any) -> dict[str, FakeNextTokenEngine]:
    return {"stable": FakeNextTokenEngine(), "canary": FakeNextTokenEngine(**canary)}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_over(side_by_side(tmp_path), engines()) as client:
        yield client


async def figures(client: httpx.AsyncClient, metric: str, **labels: str) -> dict[str, float]:
    """Model → value of a metric, of the lines that have these labels."""
    found = {}
    for line in (await client.get("/metrics")).text.splitlines():
        if line.startswith(f"{metric}{{") and all(f'{name}="{value}"' in line for name, value in labels.items()):
            model = re.search(r'model="([^"]*)"', line)
            found[model[1] if model else ""] = float(line.rpartition(" ")[2])
    return found


async def test_the_split_shows_in_replies_and_in_the_metrics(client: httpx.AsyncClient) -> None:
    """Of 300 completions about 30 are the canary's; requests, latency and tokens are told for each."""
    told: Counter[str] = Counter()
    for _ in range(300):
        reply = await client.post("/v1/completions", json={**PROMPT, "model": "tiny"})
        assert reply.json()["model"] == f"tiny@{reply.headers['x-model-revision']}"
        told[reply.json()["model"]] += 1
    assert told[f"tiny@{CANARY}"] == pytest.approx(30, abs=20)
    route = {"route": "/v1/completions", "status": "200"}
    assert await figures(client, "http_request_duration_seconds_count", **route) == told
    tokens = await figures(client, "generated_tokens_total")
    assert tokens == {label: 2 * count for label, count in told.items()}
    shares = {f"tiny@{STABLE}": 0.9, f"tiny@{CANARY}": 0.1}
    assert await figures(client, "model_share") == pytest.approx(shares)
    assert await figures(client, "model_share", revision=CANARY) == pytest.approx({f"tiny@{CANARY}": 0.1})


@pytest.mark.parametrize("revision", [STABLE, CANARY])
@pytest.mark.parametrize("characters", [8, 40])
async def test_a_revision_is_asked_for_by_name(client: httpx.AsyncClient, revision: str, characters: int) -> None:
    """By as much of it as tells it from the other."""
    for _ in range(10):
        reply = await client.post("/v1/completions", json={**PROMPT, "model": f"tiny@{revision[:characters]}"})
        assert (reply.json()["model"], reply.headers["x-model-revision"]) == (f"tiny@{revision}", revision)


@pytest.mark.parametrize(
    ("model", "status", "sentence"),
    [
        ("tiny@607a30d", 400, f"model 'tiny@607a30d' may be tiny@{STABLE} or tiny@{CANARY}; name more of its revision"),
        ("tiny@11c5a3d", 404, f"there is no model 'tiny@11c5a3d'; there are: tiny@{STABLE}, tiny@{CANARY}"),
        ("tiny@", 404, "there is no model 'tiny@'"),
    ],
)
async def test_a_revision_that_is_not_one_is_refused(
    client: httpx.AsyncClient, model: str, status: int, sentence: str
) -> None:
    """With those that there are."""
    reply = await client.post("/v1/completions", json={**PROMPT, "model": model})
    assert reply.status_code == status
    assert reply.json()["error"]["message"].startswith(sentence)


async def test_a_stream_names_the_revision_too(client: httpx.AsyncClient) -> None:
    """In its header, and in each chunk."""
    reply = await client.post("/v1/completions", json={**PROMPT, "model": f"tiny@{CANARY}", "stream": True})
    assert reply.headers["x-model-revision"] == CANARY
    chunks = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
    assert {chunk["model"] for chunk in chunks} == {f"tiny@{CANARY}"}


async def test_a_session_stays_with_its_revision(client: httpx.AsyncClient) -> None:
    """Whichever it was given to; another session may be another's."""
    met = set()
    for _ in range(40):
        begun = await client.post("/api/v1/sessions", json={"prompt": "the cat"})
        session, revision = begun.json(), begun.headers["x-model-revision"]
        assert session["model"] == f"tiny@{revision}"
        met.add(revision)
        for _ in range(3):
            step = await client.post(f"/api/v1/sessions/{session['id']}/tokens", json={"spin": True})
            assert (step.json()["model"], step.headers["x-model-revision"]) == (session["model"], revision)
    assert met == {STABLE, CANARY}


async def test_probes_and_lists_tell_each_revision(client: httpx.AsyncClient) -> None:
    """By NAME@REVISION; a name alone is that of the revision with the largest share."""
    labels = [f"tiny@{STABLE}", f"tiny@{CANARY}"]
    health = (await client.get("/health")).json()
    assert health["status"] == "healthy"
    assert {label: model["share"] for label, model in health["models"].items()} == dict(
        zip(labels, (0.9, 0.1), strict=True)
    )
    assert list((await client.get("/readyz")).json()["models"]) == labels
    assert [model["id"] for model in (await client.get("/v1/models")).json()["data"]] == labels
    assert (await client.get("/v1/models/tiny")).json()["id"] == labels[0]
    assert (await client.get(f"/v1/models/tiny@{CANARY[:8]}")).json()["id"] == labels[1]
    assert [model["name"] for model in (await client.get("/api/models")).json()["models"]] == labels
    for name in ("tiny", labels[1], f"tiny/versions/{CANARY[:8]}"):
        assert (await client.get(f"/v2/models/{name}/ready")).json()["ready"] is True
    assert (await client.get("/v2/models/tiny/versions/11c5a3d/ready")).status_code == 404


@pytest.mark.parametrize(("required", "ready"), [(True, 503), (False, 200)])
async def test_a_revision_with_other_bytes_leaves_its_share_to_the_other(
    tmp_path: Path, required: bool, ready: int
) -> None:
    """Health is degraded and names the file; readiness waits for it only where it is required."""
    manifest = side_by_side(tmp_path, required=required)
    (tmp_path / "canary" / "weights.bin").write_bytes(b"other" * 1200)
    async with client_over(manifest, engines(), weights=f"tiny@{STABLE}=1,tiny@{CANARY}=1") as client:
        replies = [await client.post("/v1/completions", json=PROMPT) for _ in range(20)]
        assert {reply.json()["model"] for reply in replies} == {f"tiny@{STABLE}"}
        assert (await client.get("/readyz")).status_code == ready
        health = (await client.get("/health")).json()
        assert health["status"] == ("failed" if required else "degraded")
        assert "canary/weights.bin has sha256" in health["models"][f"tiny@{CANARY}"]["reason"]
        refused = await client.post("/v1/completions", json={**PROMPT, "model": f"tiny@{CANARY}"})
        assert refused.status_code == 503


async def test_a_canary_whose_engine_fails_is_seen(tmp_path: Path) -> None:
    """Its errors are its own: in the reply's header, by status in the requests, and counted for the engine."""
    poison = 256 + 1  # " cat", which the golden request has, too, so it is poisoned once that is over
    faulty = engines()
    async with client_over(side_by_side(tmp_path), faulty) as client:
        faulty["canary"].poison = poison
        reply = await client.post("/v1/completions", json={**PROMPT, "model": f"tiny@{CANARY}"})
        assert (reply.status_code, reply.headers["x-model-revision"]) == (500, CANARY)
        requests = await figures(client, "http_request_duration_seconds_count", status="500")
        assert requests == {f"tiny@{CANARY}": 1.0}
        assert await figures(client, "model_failures_total") == {f"tiny@{STABLE}": 0.0, f"tiny@{CANARY}": 1.0}


async def test_a_model_alone_is_called_by_its_name(tmp_path: Path) -> None:
    """Nothing of its name changes; the header tells its revision."""
    manifest = write_manifest(tmp_path, "tiny")
    async with client_over(manifest, {"tiny": FakeNextTokenEngine()}, weights=None) as client:
        for model in ("tiny", "tiny@r1"):
            reply = await client.post("/v1/completions", json={**PROMPT, "model": model})
            assert (reply.json()["model"], reply.headers["x-model-revision"]) == ("tiny", "r1")
        assert await figures(client, "generated_tokens_total") == {"tiny": 4.0}
        assert "share" not in (await client.get("/health")).json()["models"]["tiny"]


def test_weights_of_revisions_that_are_not_there_stop_the_start(tmp_path: Path) -> None:
    """With exit status 2 and the sentence."""
    manifest = side_by_side(tmp_path)
    environ = {"SERVICE_MODE": "wheel", "MODELS_MANIFEST": str(manifest), "MODEL_WEIGHTS": "tiny@11c5a3d=1"}
    status, _out, err = exit_of("tests.serve_fake", **environ)
    assert status == 2
    assert "MODEL_WEIGHTS names 'tiny@11c5a3d', which is not there" in err
