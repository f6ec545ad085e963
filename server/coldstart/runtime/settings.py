"""The one settings class: read at the entry point, handed to everything else."""

import os
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from coldstart.domain.errors import ConfigurationError
from coldstart.domain.interview import SkillLevel

Profile = Literal["dev", "staging", "prod"]
LogLevel = Literal["debug", "info", "warning", "error"]
Device = Literal["cpu", "cuda", "auto"]

_MIB = 1024 * 1024


def available_cpus() -> int:
    """How many CPUs this process may use: its affinity, or less where a cgroup's quota allows less; at least 1."""
    cpus = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            cpus = min(cpus, round(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no cgroup v2: affinity is all that is known
    return max(cpus, 1)


class Settings(BaseSettings):
    """What the environment may choose. Each field is the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    # Which modes and engines there are, apps know; they refuse the others.
    service_mode: str = Field("", description="which services this process offers")
    models_manifest: Path = Field(description="the manifest of the models to load")
    profile: Profile = Field("prod", description="dev logs for people and shows /docs; staging shows /docs")
    host: str = Field("0.0.0.0", description="the address to listen on")  # noqa: S104  a container listens to all
    port: Annotated[int | None, Ge(0), Le(65535)] = Field(
        None, description="the TCP port; 0 takes a free one; default: that of the service mode"
    )
    log_level: LogLevel = Field("info", description="the least severe level that is logged")
    wheel_engine: str = Field(
        "onnxruntime", description="the inference library of the token wheel: onnxruntime or transformers"
    )
    wheel_device: Device = Field("auto", description="where the token wheel computes; auto: a GPU that works")
    wheel_batching: bool = Field(True, description="batch concurrent requests; false: answers repeat exactly")
    asr_engine: str = Field("ctranslate2", description="the inference library of speech recognition")
    asr_model: str | None = Field(None, description="the one speech recognition model to load; default: each at hand")
    asr_device: Device = Field("auto", description="where speech recognition computes; auto: a GPU that works")
    model_weights: str | None = Field(
        None,
        description="of a model with several revisions, each one's weight among the requests that name none, as "
        "NAME@REVISION=90,NAME@REVISION=10; default: its first revision answers all",
    )
    engine_threads: Annotated[int, Ge(1), Le(256)] = Field(
        default_factory=available_cpus, description="compute threads of each engine; default: the CPUs at hand"
    )
    queue_limit: Annotated[int, Ge(1), Le(100_000)] = Field(32, description="waiting requests of each model")
    kv_cache_bytes: Annotated[int, Ge(0)] = Field(256 * _MIB, description="kept keys and values of each model")
    asr_queue_s: Annotated[float, Gt(0)] = Field(
        600.0,
        description="seconds of sound that wait or are written down; a longer one is taken when there is no other",
    )
    vad_threshold: Annotated[float, Ge(0.05), Le(0.95)] = Field(
        0.5, description="a window of sound that is as probably speech begins speech, unless a request says otherwise"
    )
    live_sessions: Annotated[int, Ge(1), Le(10_000)] = Field(16, description="live transcriptions at one time")
    live_max_unread_s: Annotated[float, Ge(1), Le(600)] = Field(
        30.0,
        description="seconds of a live sound that wait; its sender then waits, and after as many seconds is refused",
    )
    live_max_s: Annotated[float, Gt(0), Le(86_400)] = Field(3600.0, description="seconds of the longest live sound")
    live_idle_s: Annotated[float, Gt(0), Le(3600)] = Field(
        60.0, description="seconds for which a live client may pause"
    )
    tts_model: str | None = Field(None, description="the one text-to-speech model to load; default: each at hand")
    tts_device: Device = Field("auto", description="where Kokoro computes; auto: a GPU that works")
    tts_voices: Path = Field(Path("/app/voices"), description="directory with more voices, for engines that take them")
    tts_max_characters: Annotated[int, Ge(1), Le(1_000_000)] = Field(4096, description="the longest text to be said")
    tts_queue_characters: Annotated[int, Ge(1)] = Field(
        50_000, description="characters that wait or are being said, of all texts"
    )
    interview_role: str = Field("software engineer", description="what a candidate is interviewed for")
    interview_skill_level: SkillLevel = Field("middle", description="how hard the questions are")
    interview_language: str = Field("en", description="the language of questions and answers, as ISO 639-1 writes it")
    interview_questions: Annotated[int, Ge(1), Le(100)] = Field(5, description="questions of an interview")
    interview_required: str = Field(
        "speech-to-text,voice-activity",
        description="tasks whose models must be ready; without the others interviews are typed, or read",
    )
    interview_root: Path = Field(Path("/var/lib/coldstart"), description="directory of everything that is kept")
    interview_open_limit: Annotated[int, Ge(1)] = Field(1000, description="interviews that are open at one time")
    interview_idle_hours: Annotated[float, Gt(0), Le(87_600)] = Field(
        24.0, description="hours without an answer after which an interview is finished"
    )
    interview_min_free_bytes: Annotated[int, Ge(0)] = Field(
        256 * _MIB, description="free bytes of the disk below which nothing new is kept"
    )
    interview_keep_days: Annotated[float, Gt(0)] = Field(90.0, description="days after which an interview is deleted")
    interview_keep_count: Annotated[int, Ge(1)] = Field(10_000, description="interviews kept; the oldest are deleted")
    database_url: SecretStr | None = Field(
        None, description="as SQLAlchemy writes it; default: a SQLite file under INTERVIEW_ROOT"
    )
    llm_base_url: str | None = Field(
        None, description="an OpenAI-compatible API that thinks of the questions; default: the question bank"
    )
    llm_api_key: SecretStr | None = Field(None, description="the key of that API")
    llm_model: str | None = Field(None, description="the model to ask of that API")
    session_ttl_s: Annotated[float, Gt(0)] = Field(1800.0, description="seconds an unused session lives")
    session_limit: Annotated[int, Ge(1)] = Field(1000, description="sessions at one time")
    shutdown_grace_s: Annotated[float, Ge(0), Le(3600)] = Field(30.0, description="seconds to finish what has begun")
    max_body_bytes: Annotated[int, Ge(1)] = Field(_MIB, description="the largest request body, but for sound files")
    audio_max_bytes: Annotated[int, Ge(1)] = Field(25 * _MIB, description="the largest sound file")
    audio_max_s: Annotated[float, Gt(0), Le(86_400)] = Field(3600.0, description="seconds of the longest sound")
    uploads_max_bytes: Annotated[int, Ge(1)] = Field(256 * _MIB, description="bytes of all sound files at one time")
    build_revision: str = Field("unknown", description="the source revision, as /metrics reports it")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` was given: no class reads the process's environment behind its caller's back."""
        return (init_settings,)

    @property
    def interview_required_tasks(self) -> frozenset[str]:
        """INTERVIEW_REQUIRED, taken apart."""
        return frozenset(task.strip() for task in self.interview_required.split(",") if task.strip())

    @property
    def json_logs(self) -> bool:
        """One JSON line an event, rather than coloured text."""
        return self.profile != "dev"

    @property
    def docs_exposed(self) -> bool:
        """Whether /docs and /openapi.json answer."""
        return self.profile != "prod"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; empty ones count as unset, unknown ones are none of our business.

    A secret may come in a file that the variable with `_FILE` at its end names.

    Raises:
        ConfigurationError: naming each variable that is missing or wrong, the value met and the values allowed; secrets
            are not shown.
    """
    met = {name: environ[name.upper()] for name in Settings.model_fields if environ.get(name.upper())}
    met |= _secrets_in_files(environ)
    try:
        return Settings(**met)  # type: ignore[arg-type]  # pydantic turns the strings into the fields' types
    except ValidationError as error:
        wrong = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors())
        raise ConfigurationError("; ".join(_complaint(name, met.get(name)) for name in wrong)) from None


def _secrets_in_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Name → what the file of a secret holds, without the newline at its end."""
    found = {}
    for name, field in Settings.model_fields.items():
        variable = f"{name.upper()}_FILE"
        path = environ.get(variable) if _is_secret(field) else None
        if not path:
            continue
        if environ.get(name.upper()):
            raise ConfigurationError(f"{name.upper()} and {variable} are both set; only one of them can be")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{variable} is {path!r}, which cannot be read: {error}") from None
    return found


def describe_settings() -> str:
    """One line a variable: its name, the values allowed, its meaning and default."""
    return "\n".join(
        f"  {name.upper():<17} {field.description} ({allowed_values(field)}{_default(field)})"
        for name, field in Settings.model_fields.items()
    )


def allowed_values(field: FieldInfo) -> str:
    """The values that a field takes, in words."""
    kind = _without_none(field.annotation)
    if get_origin(kind) is Literal:
        return " or ".join(repr(value) for value in get_args(kind))
    names = {bool: "'true' or 'false'", int: "a whole number", float: "a number", Path: "a path", str: "a text"}
    names[SecretStr] = "a secret; with _FILE at the name's end, a file that holds it"
    limits = [_limit(rule) for rule in field.metadata if isinstance(rule, Ge | Gt | Le)]
    return " ".join([names[kind], " and ".join(limits)]).strip()


def _limit(rule: Ge | Gt | Le) -> str:
    match rule:
        case Ge(bound):
            return f"of at least {bound}"
        case Gt(bound):
            return f"above {bound}"
        case Le(bound):
            return f"at most {bound}"


def _is_secret(field: FieldInfo) -> bool:
    return _without_none(field.annotation) is SecretStr


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default == "":
        return "; required"
    return "" if field.default_factory is not None or field.default is None else f"; default {field.default}"


def _complaint(name: str, value: str | None) -> str:
    field = Settings.model_fields[name]
    allowed = allowed_values(field)
    if _is_secret(field):
        return f"{name.upper()} is not what it must be: {allowed}"
    if value is None:
        return f"{name.upper()} is not set; it must be {allowed}"
    return f"{name.upper()} is {value!r}; it must be {allowed}"
