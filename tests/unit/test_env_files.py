"""Environment files: what they say is what the settings take, and those under deploy/ are up to date."""

from pathlib import Path

import pytest

from coldstart.apps.command import EXIT_CONFIGURATION, main
from coldstart.apps.env_files import MODES_WITH_FILES, env_file
from coldstart.apps.ports import DEFAULT_PORTS
from coldstart.runtime.settings import Settings, load_settings
from coldstart.runtime.timeline import StartupTimeline

DEPLOY = Path(__file__).parents[2] / "deploy" / "env"
COMMAND = (
    f"./nixw develop -c bash -c 'for mode in {' '.join(MODES_WITH_FILES)}; "
    "do python -m coldstart --env-file $mode > deploy/env/$mode.env; done'"
)


def variables_in(text: str) -> dict[str, str]:
    """As `docker run --env-file` reads it: a variable a line, but for those that begin with #."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def uncommented(text: str) -> str:
    """Every line that is a variable, whether or not it was taken back by a #."""
    return "\n".join(line.removeprefix("#") for line in text.splitlines() if not line.startswith("# "))


@pytest.mark.parametrize("mode", MODES_WITH_FILES)
def test_the_files_under_deploy_are_those_of_the_settings(mode: str) -> None:
    """A setting that comes, goes or changes is in the file of each mode that has it."""
    path = DEPLOY / f"{mode}.env"
    met = path.read_text(encoding="utf-8") if path.exists() else ""
    assert met == env_file(mode), f"deploy/env does not follow the settings; run: {COMMAND}"


def test_there_is_no_other_file() -> None:
    """Every file is of a mode that there is."""
    assert {path.name for path in DEPLOY.iterdir()} == {f"{mode}.env" for mode in MODES_WITH_FILES}


@pytest.mark.parametrize("mode", MODES_WITH_FILES)
def test_as_it_stands_a_file_chooses_the_mode_and_nothing_else(mode: str) -> None:
    """All other variables are left to the image and the defaults."""
    assert variables_in(env_file(mode)) == {"SERVICE_MODE": mode}


@pytest.mark.parametrize("mode", MODES_WITH_FILES)
def test_what_a_line_says_is_the_default(mode: str) -> None:
    """With every line uncommented the settings are what they are without the file, and the port is the mode's."""
    written = {**variables_in(uncommented(env_file(mode))), "MODELS_MANIFEST": "/models.json"}
    met = load_settings(written)
    assert met.port == DEFAULT_PORTS[mode]
    least = load_settings({"SERVICE_MODE": mode, "MODELS_MANIFEST": "/models.json"})
    assert met.model_copy(update={"port": None}) == least


def test_every_setting_is_in_the_file_of_all_services_or_of_the_interview() -> None:
    """With its meaning in the line above. The interview is no part of `all`."""
    lines = [*env_file("all").splitlines(), *env_file("interview").splitlines()]
    for name, field in Settings.model_fields.items():
        place = next(number for number, line in enumerate(lines) if line.lstrip("#").startswith(f"{name.upper()}="))
        assert str(field.description) in lines[place - 1]


def test_the_command_writes_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """To standard output, without a word of configuration."""
    assert main(["--env-file", "asr"], StartupTimeline(), {}) == 0
    assert capsys.readouterr() == (env_file("asr"), "")


@pytest.mark.parametrize("arguments", [["--env-file"], ["--env-file", "lathe"], ["--env-file", "asr", "tts"]])
def test_wrong_use_of_the_command_is_told(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """A mode that there is not, or none, gets the usage on standard error."""
    assert main(arguments, StartupTimeline(), {}) == EXIT_CONFIGURATION
    out, err = capsys.readouterr()
    assert (out, err[:6]) == ("", "usage:")


@pytest.mark.parametrize(
    ("mode", "has", "lacks"),
    [
        ("wheel", "WHEEL_ENGINE", "ASR_"),
        ("asr", "ASR_ENGINE", "WHEEL_"),
        ("all", "TTS_MODEL", "INTERVIEW_"),
        ("interview", "INTERVIEW_ROLE", "WHEEL_"),
    ],
)
def test_a_setting_of_one_service_is_in_no_other_file(mode: str, has: str, lacks: str) -> None:
    """Those of all services are in every file."""
    variables = variables_in(uncommented(env_file(mode)))
    assert {has, "LOG_LEVEL", "QUEUE_LIMIT"} <= variables.keys()
    assert not any(name.startswith(lacks) for name in variables)


def test_an_interview_has_the_settings_of_its_voices() -> None:
    """Its recogniser and its synthesizer are those of the other services."""
    assert {"ASR_MODEL", "VAD_THRESHOLD", "TTS_MODEL"} <= variables_in(uncommented(env_file("interview"))).keys()
