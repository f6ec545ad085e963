"""The form of `slo.toml`. Every field has its unit in its name; what a file leaves out is not promised."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from coldstart_harness.slo.bodies import FormFile, form_body, json_body, text_body


def _is_jmespath(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        # The lines after the first one draw an arrow below the expression.
        reason = str(error).splitlines()[0].rstrip(":")
        raise ValueError(f"{expression!r} is not a JMESPath expression: {reason}") from None
    return expression


def _is_path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"a path on the service starts with '/', met {path!r}")
    return path


def _is_media_type(text: str) -> str:
    kind, _, subtype = text.partition("/")
    if not kind or not subtype or ";" in text or text != text.strip().lower():
        raise ValueError(f"a media type is like 'audio/wav', in small letters and without parameters; met {text!r}")
    return text


Expression = Annotated[str, AfterValidator(_is_jmespath)]
HttpPath = Annotated[str, AfterValidator(_is_path)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Near(_Table):
    """A number within a tolerance."""

    near: float
    within: Annotated[float, Field(ge=0)]


def _near_where_it_says_so(value: Any) -> Any:
    return Near.model_validate(value) if isinstance(value, dict) and "near" in value else value


Expected = Annotated[Any, BeforeValidator(_near_where_it_says_so)]


def _kind_of_field(value: Any) -> str:
    return "text" if isinstance(value, str | int | float) else "file"


# Told apart by hand, so that what is wrong is said of the one that was meant.
FormField = Annotated[
    Annotated[str, Tag("text")] | Annotated[FormFile, Tag("file")],
    Discriminator(_kind_of_field),
]


class Expect(_Table):
    """What a right answer is.

    Args:
        status: the HTTP status.
        document: JMESPath expression on the JSON body → the value it must have (`json` in the file). Of a stream of
            server-sent events the expression is taken of each event, and the results that are text are joined.
        contains: text that the body must contain.
        last_event: data of the last server-sent event, such as `[DONE]`.
        media_type: of the body, such as `audio/wav`; parameters beside it do not matter.
        min_bytes: how long the body must be at least.
    """

    status: Annotated[int, Field(ge=100, le=599)] = 200
    document: dict[Expression, Expected] = Field(default_factory=dict, alias="json")
    contains: str = ""
    last_event: str | None = None
    media_type: Annotated[str, AfterValidator(_is_media_type)] | None = None
    min_bytes: Annotated[int, Field(ge=0)] = 0


class Units(_Table):
    """What an answer holds so much of: tokens, audio seconds.

    Args:
        name: plural, such as `tokens`.
        count: JMESPath expression of the number, on the JSON body, or summed over the events of a stream.
        bytes_each: how many bytes of the body are one unit, where the body is no JSON, as in raw sound.
    """

    name: str
    count: Expression | None = None
    bytes_each: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Units":
        if (self.count is None) == (self.bytes_each is None):
            raise ValueError("units are told by `count` or by `bytes_each`: one of them, not both")
        return self


class Request(_Table):
    """One request, as it is sent, and its right answer.

    Args:
        path: with the query.
        method: HTTP method; by default POST where there is a body and GET where there is none.
        headers: beside those that a body brings.
        document: a JSON body (`json` in the file).
        body: a text body.
        form: a form (`multipart/form-data`): name → text, or a file, which is read once, with the file of promises.
        stream: the answer is a stream of server-sent events.
        units: what an answer holds, where that is counted.
        expect: what a right answer is.
    """

    path: HttpPath
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    document: Any = Field(default=None, alias="json")
    body: str | None = None
    form: Annotated[dict[str, FormField], Field(min_length=1)] | None = None
    stream: bool = False
    units: Units | None = None
    expect: Expect = Expect()

    @property
    def verb(self) -> str:
        return self.method or ("GET" if self._body is None else "POST")

    @property
    def content(self) -> bytes | None:
        """The body as it is sent; None: there is none."""
        return None if self._body is None else self._body[0]

    @cached_property
    def sent_headers(self) -> dict[str, str]:
        """The request's own headers, and the media type of its body where they do not name one."""
        named = any(name.lower() == "content-type" for name in self.headers)
        return dict(self.headers) if self._body is None or named else {"Content-Type": self._body[1], **self.headers}

    @cached_property
    def _body(self) -> tuple[bytes, str] | None:
        """Made once, for thousands are sent; with its media type."""
        if self.document is not None:
            return json_body(self.document)
        if self.form is not None:
            return form_body(self.form)
        return None if self.body is None else text_body(self.body)

    @model_validator(mode="after")
    def _one_body(self) -> "Request":
        if sum(part is not None for part in (self.document, self.body, self.form)) > 1:
            raise ValueError("a request has one of `json`, `body` and `form`")
        return self


class Promises(_Table):
    """How a service behaves. None: nothing is promised, the figure is only reported.

    Times of the start count from the container's start; `answer` is the first of `requests`.
    """

    live_s: Positive | None = None
    ready_s: Positive | None = None
    first_answer_s: Positive | None = None
    lie_ms: Annotated[float, Field(ge=0)] = 0
    ledger_gap_ratio: Ratio = 0.05
    p50_ms: Positive | None = None
    p90_ms: Positive | None = None
    p99_ms: Positive | None = None
    first_token_p99_ms: Positive | None = None
    arrival_rate_per_s: Positive | None = None
    open_loop_p99_ms: Positive | None = None
    error_ratio: Ratio = 0
    memory_mb: Positive | None = None
    grace_s: Positive = 30
    deadline_s: Positive = 2
    goodput_ratio: Ratio = 0.9
    refusal_p99_ms: Positive = 50
    recovery_s: Positive = 5


class Service(_Table):
    """One service: where it listens, how it is asked, what it promises.

    Args:
        port: inside the container.
        liveness: its path; 200 from the moment that the process answers.
        readiness: its path; 200 only while requests are answered rightly.
        health: the path of a JSON report with phases of the start and states of models, where there is one.
        metrics: the path of Prometheus metrics, where there is one.
        env: environment variables that the container is given.
        volumes: directory inside the container → how much room is claimed for what is kept there, as Kubernetes writes
            it. There is one instance of a service that keeps something.
        start_timeout_s: how long a start may take before it counts as failed.
        requests: by name; the first is the one that load is made of.
        promises: within which bounds.
    """

    port: Annotated[int, Field(ge=1, le=65535)]
    liveness: HttpPath
    readiness: HttpPath
    health: HttpPath | None = None
    metrics: HttpPath | None = None
    env: dict[str, str] = Field(default_factory=dict)
    volumes: dict[HttpPath, str] = Field(default_factory=dict)
    start_timeout_s: Positive = 60
    requests: Annotated[dict[str, Request], Field(min_length=1)]
    promises: Promises = Promises()

    @property
    def request(self) -> Request:
        """The request that load is made of: the first."""
        return next(iter(self.requests.values()))


class ModelFile(_Table):
    """One file of a model at rest in the image."""

    path: HttpPath
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Model(_Table):
    """A model that an image says it serves."""

    revision: str
    files: Annotated[list[ModelFile], Field(min_length=1)]


class Image(_Table):
    """One image.

    Args:
        services: name → tables that are laid over the service of that name: another promise, another expected answer.
        size_mb: decimal megabytes, uncompressed.
        code_change_mib: binary megabytes, compressed, that a node pulls after a change of code.
        stable_layers: shell patterns of what layers say in their history; a change of code leaves these alone.
        models_manifest: environment variable or absolute path that names the model manifest inside the image.
        models: what the image serves, for images without a manifest; by name.
        cuda: the image brings CUDA engines.
        without_gpu: what it does on a machine without a GPU.
    """

    services: dict[str, dict[str, Any]] = Field(default_factory=dict)
    size_mb: Positive | None = None
    code_change_mib: Positive = 0.2
    stable_layers: list[str] = Field(default_factory=list)
    models_manifest: str | None = None
    models: dict[str, Model] = Field(default_factory=dict)
    cuda: bool = False
    without_gpu: Literal["serves", "stops"] = "serves"


class Slo(_Table):
    """The whole file."""

    version: Literal[1]
    services: Annotated[dict[str, Service], Field(alias="service", min_length=1)]
    images: dict[str, Image] = Field(default_factory=dict, alias="image")


def laid_over(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A table with another one laid over it: tables are merged, all else is replaced."""
    merged = dict(table)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
