"""The golden check of speech recognition on real engines: the right model passes, a wrong one never does."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tests.contract.transcriber_cases import Whispers, write_asr_manifest

from coldstart.apps import asr
from coldstart.domain.errors import ConfigurationError, ModelRejected
from coldstart.domain.manifest import Artifact, ModelEntry, load_manifest
from coldstart.domain.transcription import Transcription, TranscriptionRequest
from coldstart.engines import cuda_device
from coldstart.engines.ctranslate2_transcriber import CTranslate2Transcriber
from coldstart.runtime.loading import ModelLoading
from coldstart.runtime.models import ModelState
from coldstart.runtime.registry import ModelRegistry
from coldstart.runtime.scheduler import Scheduler
from coldstart.runtime.settings import load_settings
from coldstart.runtime.timeline import StartupTimeline
from coldstart.services.transcription_golden import check_transcriber
from convert.whisper import convert_whisper

Weights = dict[str, NDArray[np.float16]]


def entry_of(artifact: Path, **changes: Any) -> ModelEntry:
    golden: Mapping[str, Any] = json.loads((artifact / "golden.json").read_text()) | changes
    return ModelEntry(
        name="alpha",
        task="speech-to-text",
        architecture="whisper",
        repository="coldstart/alpha",
        revision="r1",
        license="MIT",
        required=True,
        artifacts={"ctranslate2": Artifact(artifact, ())},
        golden=golden,
    )


def check(artifact: Path, entry: ModelEntry | None = None) -> str:
    """The golden check of an artifact by an engine of its own."""
    engine = CTranslate2Transcriber(artifact, threads=2)
    scheduler: Scheduler[TranscriptionRequest, Transcription] = Scheduler(engine, name="alpha", queue_limit=4)
    try:
        return check_transcriber(entry or entry_of(artifact), "ctranslate2", engine, scheduler)
    finally:
        assert scheduler.close(10)
        engine.close()


def test_the_right_model_passes(whispers: Whispers) -> None:
    """Each time with the same digest, which is that of the question and answer, not of this machine."""
    digest = check(whispers.multilingual)
    assert len(digest) == 64
    assert check(whispers.multilingual) == digest
    assert check(whispers.english) != digest


def test_a_model_of_an_image_becomes_ready(whispers: Whispers, tmp_path: Path) -> None:
    """Read, built and warmed up as the process does it; the same manifest over other weights of that form is not."""
    manifest = write_asr_manifest(tmp_path, {"right": whispers.english, "wrong": whispers.english})
    document = json.loads(manifest.read_text())
    document["models"][1]["golden"]["log_probabilities"][0] -= 1
    manifest.write_text(json.dumps(document))
    settings = load_settings({"SERVICE_MODE": "asr", "MODELS_MANIFEST": str(manifest), "ASR_DEVICE": "cpu"})
    loading = ModelLoading(asr.tasks(settings), settings.queue_limit)
    registry = ModelRegistry(load_manifest(manifest).models, loading, StartupTimeline())
    registry.start()
    assert registry.wait_settled(60)
    states = registry.states()
    registry.close(5)
    assert states["right"].state is ModelState.READY
    assert states["wrong"].state is ModelState.FAILED
    assert "log-probabilities" in (states["wrong"].reason or "")


def test_cuda_without_a_gpu_stops_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks are asked for at the very start of the process."""
    monkeypatch.setattr(cuda_device, "_DRIVER", "libcuda.so.0")
    settings = load_settings({"SERVICE_MODE": "asr", "MODELS_MANIFEST": "/models.json", "ASR_DEVICE": "cuda"})
    with pytest.raises(ConfigurationError, match="no NVIDIA driver"):
        asr.tasks(settings)


def swapped(weights: Weights, left: str, right: str) -> None:
    weights[left], weights[right] = weights[right], weights[left]


def mirrored(weights: Weights, name: str) -> None:
    weights[name] = np.ascontiguousarray(weights[name][:, ::-1])


def transposed(weights: Weights, name: str) -> None:
    weights[name] = np.ascontiguousarray(weights[name].T)


WRONG = {
    "encoder layers": lambda w: swapped(w, "model.encoder.layers.0.fc1.weight", "model.encoder.layers.1.fc1.weight"),
    "keys and queries": lambda w: swapped(
        w, "model.decoder.layers.0.self_attn.k_proj.weight", "model.decoder.layers.0.self_attn.q_proj.weight"
    ),
    "attentions": lambda w: swapped(
        w, "model.decoder.layers.1.self_attn.v_proj.weight", "model.decoder.layers.1.encoder_attn.v_proj.weight"
    ),
    "a matrix on its side": lambda w: transposed(w, "model.encoder.layers.1.self_attn.out_proj.weight"),
    "one layer's norm": lambda w: w["model.decoder.layers.0.final_layer_norm.weight"].fill(2),
    "bands upside down": lambda w: mirrored(w, "model.encoder.conv1.weight"),
    "cross-attention": lambda w: w["model.decoder.layers.0.encoder_attn.out_proj.weight"].fill(0),
    "positions": lambda w: w["model.encoder.embed_positions.weight"].fill(0),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_matrix_is_found(whispers: Whispers, tmp_path: Path, wrong: str) -> None:
    """The answer is beyond the tolerance whichever part of the network it is in."""
    source, artifact = tmp_path / "source", tmp_path / "artifact"
    shutil.copytree(whispers.published, source)
    weights = load_file(source / "model.safetensors")
    WRONG[wrong](weights)
    save_file(weights, source / "model.safetensors", {"format": "pt"})
    convert_whisper(source, artifact)
    for name in ("golden.json", "golden.wav"):
        shutil.copyfile(whispers.multilingual / name, artifact / name)
    with pytest.raises(ModelRejected, match=r"which allow 0\.05"):
        check(artifact)


def test_a_tokenizer_with_other_ids_is_found(whispers: Whispers) -> None:
    """The golden text must have the golden tokens."""
    with pytest.raises(ModelRejected, match="the tokenizer makes"):
        check(whispers.english, entry_of(whispers.english, token_ids=[1, 2], log_probabilities=[-1, -1]))


def test_another_transcript_is_found(whispers: Whispers) -> None:
    """Where the sound has speech, the engine must hear it as it will for a caller."""
    with pytest.raises(ModelRejected, match=r"hears '.+' in the golden sound, the manifest says 'nothing'"):
        check(whispers.english, entry_of(whispers.english, transcript="nothing"))


@pytest.mark.parametrize(
    "changes",
    [
        {"tolerance": {"another": 1.0}},
        {"token_ids": []},
        {"log_probabilities": [-1.0]},
        {"log_probabilities": "some"},
        {"tolerance": None},
    ],
)
def test_a_golden_answer_of_another_form_is_refused(whispers: Whispers, changes: dict[str, Any]) -> None:
    """Nothing is ready that was not compared."""
    with pytest.raises(ModelRejected, match="golden answer"):
        check(whispers.english, entry_of(whispers.english, **changes))


def test_a_missing_sound_is_named(whispers: Whispers, tmp_path: Path) -> None:
    """The sentence has the file's name."""
    artifact = tmp_path / "artifact"
    shutil.copytree(whispers.english, artifact)
    (artifact / "golden.wav").unlink()
    with pytest.raises(ModelRejected, match=r"golden\.wav is no golden sound"):
        check(artifact)
