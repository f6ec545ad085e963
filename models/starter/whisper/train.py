"""Train the starter speech recogniser: `PYTHONPATH=models python -m starter.whisper.train OUT_DIR --espeak DIR`.

Writes config.json, generation_config.json, preprocessor_config.json, model.safetensors (float16) and tokenizer.json in
the Hugging Face layout, golden.wav, and the log of the training on standard error. One thread and fixed seeds: on one
kind of CPU the files are the same bytes every time, also when the training was stopped and taken up at a checkpoint.
"""

import argparse
import copy
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import WhisperForConditionalGeneration

from convert.golden_sound import write_sound
from starter.whisper.batches import LONG_FROM, Batch, Batches
from starter.whisper.layout import ALIGNED_HEADS, make_model, make_tokenizer, save
from starter.whisper.network import decode, encode
from starter.whisper.speaker import Manner, Speaker, in_silence
from starter.whisper.speech import HELD_OUT, TRAINING, Pool, utterances
from starter.whisper.targets import IGNORED, NO_DIGIT, Targets

SEED = 20260102
# What every start of an image must hear again.
GOLDEN_DIGITS = (3, 1, 4, 1, 5)
STEPS = 5_200
UTTERANCES = 10_000
PEAK_LEARNING_RATE = 1.5e-3
WARMUP_STEPS = 150
COOLDOWN_STEPS = 1_100
LONG_LEARNING_RATE = 6e-4
# The weights that are written are a running mean over about 500 steps, so that they are good at any step.
MEAN_DECAY = 0.998
CHECKPOINT_STEPS = 500
_HELD_OUT_UTTERANCES = 160
# Those held out are in windows as these steps have them, the last ones of the training.
_HELD_OUT_STEPS = range(100_000, 100_006)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step's batch made of the model: losses, and the logits (n, length, vocabulary)."""

    text: Tensor
    frames: Tensor
    looks: Tensor
    logits: Tensor


class Learner(nn.Module):
    """The model and, for the training only, a head that names the digit of each frame."""

    def __init__(self, model: WhisperForConditionalGeneration) -> None:
        super().__init__()
        self.model = model
        self.frame_head = nn.Linear(model.config.d_model, NO_DIGIT + 1)

    def forward(self, batch: Batch) -> Outcome:
        with torch.autocast("cpu", torch.bfloat16):
            hidden = encode(self.model, batch.heard)
            logits, looks = decode(self.model, hidden, batch.log_counts, batch.ids)
            frames = self.frame_head(hidden[:, : batch.frames.shape[-1]])
        return Outcome(
            text=cross_entropy(logits.float().transpose(1, 2), batch.labels, ignore_index=IGNORED),
            frames=cross_entropy(frames.float().transpose(1, 2), batch.frames),
            looks=look_loss(looks, batch),
            logits=logits,
        )


def look_loss(looks: Sequence[Tensor], batch: Batch) -> Tensor:
    """How far the aligned heads are from looking at what they write: mean of -log of the share that they look there."""
    keys = torch.arange(batch.frames.shape[-1])
    within = (keys >= batch.looks[..., :1]) & (keys <= batch.looks[..., 1:])
    counted = batch.looks[..., 0] >= 0
    shares = [(look[:, list(ALIGNED_HEADS), :, : keys.numel()] * within.unsqueeze(1)).sum(-1) for look in looks]
    losses = torch.stack([-share.clamp(min=1e-6).log() for share in shares])
    return (losses * counted.unsqueeze(1)).sum() / (counted.sum().clamp(min=1) * len(ALIGNED_HEADS) * len(looks))


def aid(step: int) -> float:
    """How much frames and looks count beside the text: most at first, for they show where to listen."""
    return max(1 / 3, 1 - step / 3000)


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, level, and a linear end at LONG_FROM; then from a lower rate a linear end once more."""
    if step >= LONG_FROM:
        return LONG_LEARNING_RATE * (steps - step) / (steps - LONG_FROM)
    return PEAK_LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS, (LONG_FROM - step) / COOLDOWN_STEPS)


class Training:
    """A learner, the running mean of its weights, its optimiser, and how many steps it has done."""

    def __init__(self, model: WhisperForConditionalGeneration) -> None:
        self.learner = Learner(model)
        self.mean = copy.deepcopy(model)
        self.step = 0
        learnt = [parameter for parameter in self.learner.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(learnt, betas=(0.9, 0.98), weight_decay=0.01, fused=True)

    def learn(self, batch: Batch, steps: int) -> Outcome:
        """Do one of so many steps."""
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self.step, steps)
        outcome: Outcome = self.learner(batch)
        self._optimiser.zero_grad()
        (outcome.text + aid(self.step) * (outcome.frames + outcome.looks)).backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self._optimiser.step()
        decay = min(MEAN_DECAY, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, current in zip(self.mean.parameters(), self.learner.model.parameters(), strict=True):
                mean.lerp_(current, 1 - decay)
        self.step += 1
        return outcome

    def write(self, path: Path) -> None:
        """All that is needed to go on; replaces what was there at once."""
        state = {
            "learner": self.learner.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def read(self, path: Path) -> None:
        """Go on where `write` was called."""
        state = torch.load(path, weights_only=True)
        self.learner.load_state_dict(state["learner"])
        self.mean.load_state_dict(state["mean"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def held_out_report(mean: WhisperForConditionalGeneration, batches: Batches, first_timestamp: int) -> str:
    """How many tokens the mean weights tell right, given all before, for voices and rates that are not learnt from."""
    digits, times = [], []
    with torch.no_grad():
        for step in _HELD_OUT_STEPS:
            batch = batches[step]
            with torch.autocast("cpu", torch.bfloat16):
                logits, _ = decode(mean, encode(mean, batch.heard), batch.log_counts, batch.ids)
            told, labels = logits.argmax(-1), batch.labels
            is_time, is_text = labels >= first_timestamp, (labels != IGNORED) & (labels < first_timestamp)
            digits.append((told == labels)[is_text])
            times.append(((told - labels).abs() <= 5)[is_time])
    right, near = (torch.cat(parts).float().mean().item() for parts in (digits, times))
    return f"held out: words and ends right {right:.4f}, times within 0.1 s {near:.4f}"


def train(training: Training, batches: Batches, held_out: Batches, steps: int, checkpoint: Path | None) -> None:
    """Minimise the cross entropy of the text, with the aids, by AdamW."""
    first_timestamp = held_out.targets.first_timestamp
    began, first = time.monotonic(), training.step
    loader = DataLoader(batches, batch_size=None, sampler=range(first, steps), num_workers=1, prefetch_factor=8)
    for batch in loader:
        outcome = training.learn(batch, steps)
        if training.step % 50 == 0 or training.step == steps:
            elapsed_s = time.monotonic() - began
            _log(
                f"step {training.step:5d}  text {outcome.text.item():.3f}  frames {outcome.frames.item():.3f}  "
                f"looks {outcome.looks.item():.3f}  {elapsed_s:.0f} s"
            )
        if training.step % CHECKPOINT_STEPS == 0:
            _log(f"step {training.step:5d}  {held_out_report(training.mean, held_out, first_timestamp)}")
            if checkpoint:
                training.write(checkpoint)


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _pools(speaker: Speaker, count: int) -> tuple[Pool, Pool]:
    """Of the training's voices and of those held out."""
    generator = np.random.default_rng(SEED)
    pool = Pool(utterances(speaker, generator, TRAINING, count))
    return pool, Pool(utterances(speaker, generator, HELD_OUT, _HELD_OUT_UTTERANCES))


def _run(arguments: argparse.Namespace, speaker: Speaker, tokenizer: Tokenizer, training: Training) -> None:
    pool, held_out = _pools(speaker, arguments.utterances)
    targets = Targets(tokenizer)
    train(
        training,
        Batches(pool, targets, SEED),
        Batches(held_out, targets, SEED),
        arguments.steps,
        arguments.checkpoint,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="directory to write the model to")
    parser.add_argument("--espeak", type=Path, required=True, help="directory with libespeak-ng.so and espeak-ng-data")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimiser steps (default: %(default)s)")
    parser.add_argument("--utterances", type=int, default=UTTERANCES, help="in the pool (default: %(default)s)")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="file that holds the state, every 500 steps; the training goes on from it if it is there, "
        "and with no step left its mean weights are written",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(SEED)
    speaker, tokenizer = Speaker(arguments.espeak), make_tokenizer()
    training = Training(make_model(tokenizer))
    if arguments.checkpoint and arguments.checkpoint.exists():
        training.read(arguments.checkpoint)
    if training.step < arguments.steps:
        _run(arguments, speaker, tokenizer, training)
    save(training.mean, tokenizer, arguments.out)
    write_sound(in_silence(speaker.say(GOLDEN_DIGITS, Manner("en-us"))), arguments.out)


if __name__ == "__main__":
    main()
