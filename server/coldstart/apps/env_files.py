"""Environment files for `docker run --env-file`: every setting of a mode with its meaning and default, to uncomment."""

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from coldstart.apps.ports import DEFAULT_PORTS
from coldstart.runtime.settings import Settings, allowed_values

# What a setting's name begins with where it is of one service; the others are of all.
_PREFIXES = {
    "wheel": ("wheel_", "kv_cache_", "session_"),
    "asr": ("asr_", "audio_", "uploads_", "vad_", "live_"),
    "tts": ("tts_",),
    "interview": ("interview_", "database_", "llm_"),
}
# Mode → the services whose settings it has; a container of one part of the interview takes the file of the whole.
_SERVICES_OF = {
    "wheel": {"wheel"},
    "asr": {"asr"},
    "tts": {"tts"},
    "interview": {"interview", "asr", "tts"},
    "all": {"wheel", "asr", "tts"},
}
MODES_WITH_FILES = tuple(_SERVICES_OF)


def env_file(mode: str) -> str:
    """The file of one mode. As it stands it only chooses the mode; each line that is uncommented says its default.

    Args:
        mode: one of MODES_WITH_FILES.
    """
    lines = [
        f"# What may be chosen of SERVICE_MODE={mode}. `python -m coldstart --env-file {mode}` writes this file.",
        "# Take the # from a line to set it; what stands there is the default, an empty value counts as none.",
    ]
    for name, field in Settings.model_fields.items():
        if _is_of(mode, name):
            lines += ["", *_lines(name, field, mode)]
    return "\n".join(lines) + "\n"


def _is_of(mode: str, name: str) -> bool:
    owners = {service for service, prefixes in _PREFIXES.items() if name.startswith(prefixes)}
    return not owners or bool(owners & _SERVICES_OF[mode])


def _lines(name: str, field: FieldInfo, mode: str) -> Iterator[str]:
    yield f"# {field.description} ({allowed_values(field)})"
    if name == "service_mode":
        yield f"SERVICE_MODE={mode}"
    else:
        yield f"#{name.upper()}={DEFAULT_PORTS[mode] if name == 'port' else _text(field)}"


def _text(field: FieldInfo) -> str:
    """The default as an environment has it; empty where it is only known at start, or there is none."""
    if field.is_required() or field.default_factory is not None or field.default is None:
        return ""
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
