"""The models that the contracts are tried on, each converted once, and the engines made of them; databases."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.contract.engine_cases import ENGINE_CASES, STARTER, Artifacts, EngineCase, convert
from tests.contract.transcriber_cases import TRANSCRIBER_CASES, TranscriberCase, Whispers, make_whispers
from tests.postgres import ABSENT, PostgresServer, postgres_programs, running_postgres

from coldstart.domain.next_token import NextTokenEngine
from coldstart.domain.transcription import Transcriber
from coldstart.storage.database import engine_of, migrate
from coldstart.storage.sql_interviews import SqlInterviews

_POSTGRES = "postgres"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever takes the server, or has its name for a parameter, is marked: outside the sandbox these run alone."""
    for item in items:
        parameters = (
            item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
        )
        words = [*getattr(item, "fixturenames", ()), *(value for value in parameters if isinstance(value, str))]
        if _POSTGRES in words:
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    directory = tmp_path_factory.mktemp("starter")
    made = Artifacts(STARTER, directory / "int8", directory / "float32")
    convert("gpt2", STARTER, made.int8)
    convert("gpt2", STARTER, made.float32, "--precision", "float32")
    return made


@pytest.fixture(scope="session", params=ENGINE_CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> EngineCase:
    chosen: EngineCase = request.param
    return chosen


@pytest.fixture(scope="session")
def engine(case: EngineCase, artifacts: Artifacts) -> Iterator[NextTokenEngine]:
    """One engine for a whole run: every test must leave it able to take the next one, which is part of the contract."""
    built = case.build(artifacts)
    yield built
    built.close()


@pytest.fixture(scope="session")
def oracle(artifacts: Artifacts) -> Iterator[NextTokenEngine]:
    """The reference: torch and transformers, float32."""
    built = next(case for case in ENGINE_CASES if case.name == "transformers").build(artifacts)
    yield built
    built.close()


@pytest.fixture(scope="session")
def whispers(tmp_path_factory: pytest.TempPathFactory) -> Whispers:
    return make_whispers(tmp_path_factory.mktemp("whispers"))


@pytest.fixture(scope="session", params=TRANSCRIBER_CASES, ids=lambda case: case.name)
def transcriber_case(request: pytest.FixtureRequest) -> TranscriberCase:
    chosen: TranscriberCase = request.param
    return chosen


@pytest.fixture(scope="session")
def transcriber(transcriber_case: TranscriberCase, whispers: Whispers) -> Iterator[Transcriber]:
    """One engine for a whole run: every test must leave it able to take the next one, which is part of the contract."""
    built = transcriber_case.build(whispers)
    yield built
    built.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for a whole run; each test has databases of its own."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip(ABSENT)
    with running_postgres(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", _POSTGRES])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes the URLs of empty databases, of one kind after the other."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / 'interviews.sqlite'}"
    server: PostgresServer = request.getfixturevalue(_POSTGRES)
    return server.new_database


@pytest.fixture
def database(new_database: Callable[[], str]) -> Iterator[Engine]:
    """One with tables and nothing in them, of one kind after the other."""
    engine = engine_of(new_database())
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def interviews(database: Engine) -> SqlInterviews:
    return SqlInterviews(database, open_limit=100)
