"""Settings: defaults, and the sentences for what is wrong."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from coldstart.apps import asr
from coldstart.apps.modes import MODES, SERVICES, served_models, services_of
from coldstart.apps.ports import DEFAULT_PORTS, port_of
from coldstart.apps.wheel import NEXT_TOKEN_ENGINES, tasks
from coldstart.domain.errors import ConfigurationError
from coldstart.domain.manifest import Manifest, ModelEntry
from coldstart.runtime.loading import TaskServing
from coldstart.runtime.settings import Settings, describe_settings, load_settings

TASKS = ("next-token", "speech-to-text", "voice-activity", "text-to-speech")
LEAST = {"SERVICE_MODE": "wheel", "MODELS_MANIFEST": "/models.json"}


def test_defaults_are_those_of_production() -> None:
    """With nothing but mode and manifest, logs are JSON, no docs are shown, and the server listens on 8000."""
    settings = load_settings(LEAST)
    assert settings.json_logs
    assert not settings.docs_exposed
    assert (settings.host, settings.port, settings.shutdown_grace_s) == ("0.0.0.0", None, 30.0)  # noqa: S104
    assert settings.engine_threads >= 1


@pytest.mark.parametrize(("profile", "json_logs", "docs"), [("dev", False, True), ("staging", True, True)])
def test_a_profile_decides_log_form_and_docs(profile: str, json_logs: bool, docs: bool) -> None:
    """dev is for people, staging is prod with docs."""
    settings = load_settings({**LEAST, "PROFILE": profile})
    assert (settings.json_logs, settings.docs_exposed) == (json_logs, docs)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PROFILE", "test", "PROFILE is 'test'; it must be 'dev' or 'staging' or 'prod'"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL is 'loud'; it must be 'debug' or 'info' or 'warning' or 'error'"),
        ("PORT", "http", "PORT is 'http'; it must be a whole number of at least 0 and at most 65535"),
        ("PORT", "65536", "PORT is '65536'; it must be a whole number of at least 0 and at most 65535"),
        ("WHEEL_BATCHING", "maybe", "WHEEL_BATCHING is 'maybe'; it must be 'true' or 'false'"),
        ("SESSION_TTL_S", "0", "SESSION_TTL_S is '0'; it must be a number above 0"),
        ("SHUTDOWN_GRACE_S", "nan", "SHUTDOWN_GRACE_S is 'nan'; it must be a number of at least 0 and at most 3600"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(variable: str, value: str, sentence: str) -> None:
    """The sentence has the variable, the value met and the values allowed."""
    with pytest.raises(ConfigurationError) as raised:
        load_settings({**LEAST, variable: value})
    assert str(raised.value) == sentence


@pytest.mark.parametrize("environ", [{}, {"MODELS_MANIFEST": ""}])
def test_a_missing_value_is_said_to_be_missing(environ: dict[str, str]) -> None:
    """Unset and empty are the same."""
    with pytest.raises(ConfigurationError, match="MODELS_MANIFEST is not set; it must be a path"):
        load_settings(environ)


def test_all_wrong_values_are_named_at_once() -> None:
    """Nobody has to start the process once for each mistake."""
    with pytest.raises(ConfigurationError, match=r"PROFILE is 'x'.*; PORT is 'y'"):
        load_settings({**LEAST, "PROFILE": "x", "PORT": "y"})


def test_the_processes_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the mapping that is handed in counts."""
    monkeypatch.setenv("PORT", "1234")
    assert load_settings(LEAST).port is None


def test_an_unknown_mode_is_named_with_the_modes() -> None:
    """SERVICE_MODE's values are those that apps compose; it has no default."""
    modes = " or ".join(map(repr, MODES))
    with pytest.raises(ConfigurationError, match=f"SERVICE_MODE is not set; it must be {modes}"):
        services_of(load_settings({"MODELS_MANIFEST": "/models.json"}), Manifest(()))
    with pytest.raises(ConfigurationError, match=f"SERVICE_MODE is 'lathe'; it must be {modes}"):
        services_of(_settings(service_mode="lathe"), Manifest(()))


def test_a_mode_needs_its_models() -> None:
    """A mode without models is refused with what it needs and what there is; `all` is all that have theirs."""
    held = Manifest((ModelEntry("alpha", "next-token", "fake", "own/alpha", "r1", "MIT", True, {}, {}),))
    for mode in ("wheel", "all"):
        assert services_of(_settings(service_mode=mode), held) == (SERVICES["wheel"],)
        with pytest.raises(ConfigurationError, match=f"SERVICE_MODE is '{mode}', which needs .*next-token.* of none"):
            services_of(_settings(service_mode=mode), Manifest(()))


def test_a_service_serves_the_tasks_that_it_needs(tmp_path: Path) -> None:
    """What decides whether it is offered is what it asks of the manifest then."""
    settings = _settings(interview_root=str(tmp_path))
    for service in SERVICES.values():
        assert service.composition().tasks(settings).keys() >= service.needs(settings)


def test_the_interview_is_no_part_of_all_and_each_of_its_processes_is_of_it() -> None:
    """It keeps what it is told, so whoever starts it gives it volumes; INTERVIEW_REQUIRED says what it needs."""
    held = Manifest(tuple(ModelEntry(task, task, "fake", "own", "r1", "MIT", True, {}, {}) for task in TASKS))
    assert SERVICES["interview"] not in services_of(_settings(service_mode="all"), held)
    for mode in ("interview", "interview-api", "interview-worker"):
        assert services_of(_settings(service_mode=mode), held) == (SERVICES["interview"],)
        with pytest.raises(ConfigurationError, match="which needs models of the tasks text-to-speech; "):
            services_of(_settings(service_mode=mode, interview_required=" text-to-speech,"), Manifest(held.models[:3]))
        assert services_of(
            _settings(service_mode=mode, interview_required="voice-activity"), Manifest(held.models[2:3])
        )


def test_a_service_that_is_not_offered_is_not_asked() -> None:
    """An engine for recognition that there is not is no matter where there are no recognisers."""
    held = Manifest((ModelEntry("alpha", "next-token", "fake", "own/alpha", "r1", "MIT", True, {}, {}),))
    assert services_of(_settings(service_mode="all", asr_engine="steam"), held) == (SERVICES["wheel"],)
    with pytest.raises(ConfigurationError, match="which needs models of the tasks speech-to-text and voice-activity"):
        services_of(_settings(service_mode="asr", asr_engine="steam"), held)


def test_every_mode_has_its_port() -> None:
    """Unless PORT says another; the health check asks there, too. The worker of the interviews listens to none."""
    assert DEFAULT_PORTS.keys() == set(MODES) - {"interview-worker"}
    assert port_of({"SERVICE_MODE": "wheel"}) == 8000
    assert port_of({"SERVICE_MODE": "wheel", "PORT": "81"}) == 81


def test_an_unknown_engine_is_named_with_the_engines() -> None:
    """WHEEL_ENGINE's values are those of the engine table."""
    with pytest.raises(ConfigurationError, match="WHEEL_ENGINE is 'steam'; it must be 'onnxruntime' or 'transformers'"):
        tasks(_settings(wheel_engine="steam"))
    assert all(tasks(_settings(wheel_engine=engine)) for engine in NEXT_TOKEN_ENGINES)
    assert str(Settings.model_fields["wheel_engine"].description).endswith(": " + " or ".join(NEXT_TOKEN_ENGINES))


def test_an_unknown_recognition_engine_is_named_with_the_engines() -> None:
    """ASR_ENGINE's values are those of its engine table, ASR_DEVICE's those of the settings."""
    with pytest.raises(ConfigurationError, match="ASR_ENGINE is 'steam'; it must be 'ctranslate2'"):
        asr.tasks(_settings(asr_engine="steam"))
    with pytest.raises(ConfigurationError, match="ASR_DEVICE is 'tpu'; it must be 'cpu' or 'cuda' or 'auto'"):
        _settings(asr_device="tpu")


def test_one_model_of_a_task_can_be_chosen() -> None:
    """The others are not loaded, those of other tasks are; a name that is not there is named with those that are."""
    entries = [
        ModelEntry(n, t, "fake", "own", "r1", "MIT", True, {}, {}) for n, t in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    held = Manifest((*entries, ModelEntry("d", "z", "fake", "own", "r1", "MIT", True, {}, {})))
    every = {"x": _serving(None), "y": _serving(None)}
    assert [entry.name for entry in served_models(_settings(), held, every)] == ["a", "b", "c"]
    assert [entry.name for entry in served_models(_settings(), held, {**every, "x": _serving("b")})] == ["b", "c"]
    with pytest.raises(ConfigurationError, match="no model 'c' of task 'x'; it has a, b"):
        served_models(_settings(), held, {**every, "x": _serving("c")})


def test_every_variable_is_described() -> None:
    """The help text leaves none out."""
    described = [line.split()[0] for line in describe_settings().splitlines()]
    assert described == [name.upper() for name in Settings.model_fields]


def test_a_secret_may_come_in_a_file(tmp_path: Path) -> None:
    """Its last line end is not part of it; a missing file and two sources are refused, and no secret is ever shown."""
    (tmp_path / "key").write_text("hush\n", encoding="utf-8")
    file = str(tmp_path / "key")
    settings = _settings(llm_api_key_file=file)
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "hush"
    assert "hush" not in repr(settings)
    with pytest.raises(ConfigurationError, match="LLM_API_KEY and LLM_API_KEY_FILE are both set") as both:
        _settings(llm_api_key_file=file, llm_api_key="hush")
    assert "hush" not in str(both.value)
    with pytest.raises(ConfigurationError, match="LLM_API_KEY_FILE is '/no/such', which cannot be read"):
        _settings(llm_api_key_file="/no/such")


def _serving(model: str | None) -> TaskServing[Any, Any, Any]:
    return TaskServing("fake", prepare=Mock(), check=Mock(), recover=Mock(), model=model)


def _settings(**changes: str) -> Settings:
    return load_settings({**LEAST, **{name.upper(): value for name, value in changes.items()}})
