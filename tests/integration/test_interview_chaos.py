"""200 interviews while worker, API and database are killed in turn: what was accepted is in the reports, once.

No part of `nix run .#test`: it takes minutes. docs/architecture/05-tests.md has its command line.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from docker.models.containers import Container
from tests.integration.subjects import eventually
from tests.interview_candidates import Said
from tests.interview_chaos import Victim, chaos, figures_of
from tests.postgres import ABSENT, PostgresServer, postgres_programs, running_postgres

from coldstart_harness import container as containers
from coldstart_harness.engine import Engine, find_engine
from coldstart_harness.ports import free_port_from
from coldstart_harness.service import Service
from coldstart_harness.waiting import wait_until_ready

ROOT = Path(__file__).parents[2]
VARIABLE = "COLDSTART_CHAOS_IMAGE"
IMAGE = os.environ.get(VARIABLE, "")
INTERVIEWS = int(os.environ.get("COLDSTART_CHAOS_INTERVIEWS", "200"))
OUT = Path(os.environ.get("COLDSTART_CHAOS_OUT", "out"))
CONCURRENCY = 8
TYPED = 3
# Of each victim; in a run of fewer interviews there may be time for one round only.
LEAST_DEATHS = 3 if INTERVIEWS >= 200 else 1
PORT = 8000
FIRST_PORT = 28000
VOLUME_AT = "/var/lib/coldstart"
READY_WITHIN_S = 60.0
# What the starter recogniser writes down of it, as slo.toml promises.
SOUND = ROOT / "slo" / "three-one-four-one-five.flac"
HEARD = "three one four one five"

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not IMAGE, reason=f"{VARIABLE} names no image: this takes minutes, and has a command of its own"
    ),
]


@dataclass(frozen=True)
class Stand:
    """The service in two containers that share a volume.

    Args:
        api: listens at `url`.
        worker: makes the reports.
        postgres: the database's server; None: it is a SQLite file in the volume.
    """

    url: str
    api: Container
    worker: Container
    postgres: PostgresServer | None

    @property
    def victims(self) -> list[Victim]:
        """The third is the database, or with SQLite the two that have its file open, at one time."""
        worker = Victim("worker", self.worker.kill, self.revive_worker)
        api = Victim("api", self.api.kill, self.revive_api)
        if self.postgres is not None:
            return [worker, api, Victim("database", self.postgres.kill, self.postgres.start)]
        return [worker, api, Victim("api and worker", self.kill_all, self.revive_all)]

    def kill_all(self) -> None:
        for container in (self.api, self.worker):
            container.kill()
        if self.postgres is not None:
            self.postgres.kill()

    def revive_all(self) -> None:
        if self.postgres is not None:
            self.postgres.start()
        self.revive_api()
        self.revive_worker()

    def revive_api(self) -> None:
        self.api.start()
        wait_until_ready(Service(self.url), time.monotonic() + READY_WITHIN_S, container=self.api)

    def revive_worker(self) -> None:
        """Until it was heard of since it was started, wherever the API tells."""
        begun = time.monotonic()
        self.worker.start()
        eventually(lambda: self._last_heard_s() < time.monotonic() - begun, "the worker is heard of", READY_WITHIN_S)

    def _last_heard_s(self) -> float:
        worker = Service(self.url).health().get("worker") or {}
        age = worker.get("beat_age_s")
        return float("inf") if age is None else float(age)


@contextmanager
def standing(engine: Engine, postgres: PostgresServer | None) -> Iterator[Stand]:
    """Both containers, ready, and their volume; removed at the end, with their last words where something failed."""
    port = free_port_from(FIRST_PORT)
    with ExitStack() as stack:
        volume = engine.client.volumes.create()
        stack.callback(volume.remove, force=True)
        volumes = {volume.name: {"bind": VOLUME_AT, "mode": "rw"}}
        environment = {}
        if postgres is not None:
            environment["DATABASE_URL"] = url = postgres.new_database()
            directory = Path(url.partition("?host=")[2])
            # Whoever the service's user is gets to the socket; the data has a directory of its own.
            directory.chmod(0o711)
            volumes[str(directory)] = {"bind": str(directory), "mode": "rw"}

        def created(mode: str, **more: object) -> Container:
            container = containers.create_container(
                engine,
                IMAGE,
                name=None,
                inner_port=PORT,
                host_port=port,
                labels={},
                environment={**environment, "SERVICE_MODE": mode},
                volumes=volumes,
                # As Compose has it: who ends by itself is started again; who is killed from outside is not.
                restart_policy={"Name": "unless-stopped"},
                **more,
            )
            stack.callback(container.remove, force=True, v=True)
            return container

        stand = Stand(
            f"http://127.0.0.1:{port}",
            created("interview-api"),
            created("interview-worker", ports={}, network_mode="none"),
            postgres,
        )
        try:
            stand.revive_api()
            stand.revive_worker()
            yield stand
        except BaseException:
            for container in (stand.api, stand.worker):
                print(container.logs(tail=40).decode(errors="replace"))  # noqa: T201 - pytest shows it with the failure
            raise


def interviews() -> Iterator[Sequence[Said]]:
    """Of each the first answer is a sound, and the others are texts that no other answer has."""
    sound = SOUND.read_bytes()
    for number in range(INTERVIEWS):
        yield [Said(HEARD, sound), *(Said(f"Answer {n} of candidate {number}.") for n in range(TYPED))]


def write(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_what_was_accepted_is_in_the_report_once(database: str) -> None:
    """Also after all of it was killed at one time once more: the same reports, made once."""
    programs = postgres_programs()
    if database == "postgres" and programs is None:
        pytest.skip(ABSENT)
    engine = find_engine()
    assert engine is not None, "no container engine answers"
    with ExitStack() as stack:
        stack.callback(engine.client.close)
        server = None
        if database == "postgres" and programs is not None:
            server = stack.enter_context(running_postgres(programs))
        stand = stack.enter_context(standing(engine, server))
        async with httpx.AsyncClient(base_url=stand.url, trust_env=False) as client:
            outcome = await chaos(client, stand.victims, interviews(), CONCURRENCY)
            stand.kill_all()
            stand.revive_all()
            changed = [
                one.session_id
                for one in outcome.taken
                if one.report is not None
                and (await client.get(f"/sessions/{one.session_id}/report")).json() != one.report
            ]
    figures = {"image": IMAGE, "database": database, "concurrency": CONCURRENCY, **figures_of(outcome)}
    write(OUT / f"interview-chaos-{database}.json", figures)
    assert figures["wrong"] == []
    assert changed == [], "reports that are others after everything was started again"
    assert (figures["interviews"], figures["reports"]) == (INTERVIEWS, INTERVIEWS)
    assert figures["answers_accepted"] == figures["answers_in_reports"] == INTERVIEWS * (TYPED + 1)
    assert (figures["answers_lost"], figures["answers_more_than_once"]) == (0, 0)
    assert {victim.name for victim in stand.victims} == figures["killed"].keys()
    assert all(killed["times"] >= LEAST_DEATHS for killed in figures["killed"].values()), figures["killed"]
