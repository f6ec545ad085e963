"""What the token wheel's routes take and give."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from coldstart.services.next_token_models import ModelSummary
from coldstart.services.token_wheel import Changes, SessionView

# Longer texts are refused unread: the longest contexts are a few thousand tokens, and tokenizing costs CPU.
_LONGEST_PROMPT = 100_000
# The largest integer that JavaScript's numbers hold exactly.
_LARGEST_SEED = 2**53 - 1

Temperature = Annotated[
    float, Field(gt=0, le=5, description="1: the model as trained; lower: surer; higher: more even")
]
TopK = Annotated[int, Field(ge=1, le=100, description="slices shown")]
Seed = Annotated[int, Field(ge=0, le=_LARGEST_SEED, description="repeats the same spins")]


class _Body(BaseModel):
    # Strict: "0.5" is a text and no number. NaN is in no JSON, but Python reads it.
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class NewSession(_Body):
    """A text to go on with."""

    prompt: str = Field(max_length=_LONGEST_PROMPT)
    model: str | None = Field(None, description="NAME or NAME@REVISION; default: the first of /api/models")
    top_k: TopK = 12
    temperature: Temperature = 1.0
    seed: Seed | None = Field(None, description="default: one is chosen and told")


class SessionChanges(_Body):
    """New settings; what is left out stays."""

    top_k: TopK | None = None
    temperature: Temperature | None = None
    seed: Seed | None = None

    def changes(self) -> Changes:
        return Changes(temperature=self.temperature, top_k=self.top_k, seed=self.seed)


class Step(SessionChanges):
    """The next token: either picked or spun for. Changes apply before the spin."""

    token_id: int | None = None
    spin: bool = False


class TokenDocument(BaseModel):
    """A token with its own text; a part of a character is U+FFFD."""

    id: int
    text: str


class SliceDocument(BaseModel):
    """One slice of the wheel."""

    token_id: int
    text: str
    probability: float


class DistributionDocument(BaseModel):
    """The next token's probabilities: the slices, most likely first, and all other tokens as one; together 1."""

    slices: list[SliceDocument]
    rest_probability: float
    entropy_bits: float


class ChoiceDocument(SliceDocument):
    """The token just added, with the probability it had, and where on the wheel the pointer stopped."""

    position: float | None


class SessionDocument(BaseModel):
    """A session."""

    id: str
    model: str
    text: str
    prompt_token_count: int
    tokens: list[TokenDocument]
    context_length: int
    temperature: float
    top_k: int
    seed: int
    distribution: DistributionDocument
    chosen: ChoiceDocument | None = None


class ModelDocument(BaseModel):
    """One model; its sizes are null until it is ready."""

    name: str
    repository: str
    revision: str
    license: str
    vocabulary_size: int | None
    context_length: int | None
    ready: bool
    state: str


class ModelsDocument(BaseModel):
    """All models of the wheel."""

    models: list[ModelDocument]


def session_document(view: SessionView) -> dict[str, Any]:
    """A `SessionDocument` as a plain dict: it is made for every token, and validating our own data costs time."""
    session = view.session
    document: dict[str, Any] = {
        "id": session.session_id,
        "model": session.model,
        "text": view.text,
        "prompt_token_count": session.prompt_token_count,
        "tokens": [
            {"id": token_id, "text": text} for token_id, text in zip(session.token_ids, view.token_texts, strict=True)
        ],
        "context_length": view.context_length,
        "temperature": session.temperature,
        "top_k": session.top_k,
        "seed": session.seed,
        "distribution": {
            "slices": [
                {"token_id": piece.token_id, "text": text, "probability": piece.probability}
                for piece, text in view.slices
            ],
            "rest_probability": view.rest_probability,
            "entropy_bits": view.entropy_bits,
        },
    }
    if view.choice is not None:
        choice = view.choice
        document["chosen"] = {
            "token_id": choice.token_id,
            "text": choice.text,
            "probability": choice.probability,
            "position": choice.position,
        }
    return document


def model_document(summary: ModelSummary) -> ModelDocument:
    return ModelDocument(
        name=summary.entry.label,
        repository=summary.entry.repository,
        revision=summary.entry.revision,
        license=summary.entry.license,
        vocabulary_size=summary.vocabulary_size,
        context_length=summary.context_length,
        ready=summary.vocabulary_size is not None,
        state=str(summary.state),
    )
