"""Train the starter model: `python train.py OUT_DIR`, about seven minutes on one thread.

Writes config.json, generation_config.json, model.safetensors (float16) and tokenizer.json in the Hugging Face layout.
One thread and fixed seeds: on one kind of CPU the files are the same bytes every time.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from grammar import documents
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

SEED = 20260101
DOCUMENTS = 30_000
VOCABULARY_SIZE = 1536
CONTEXT_LENGTH = 1024
END_OF_TEXT = "<|endoftext|>"
STEPS = 1500
TOKENS_A_STEP = 2048
ROW_LENGTHS = (64, 64, 256, CONTEXT_LENGTH)  # by turns: most prompts are short, but all positions must be learnt
PEAK_LEARNING_RATE = 3e-3
WARMUP_STEPS = 40


def train_tokenizer(texts: list[str]) -> Tokenizer:
    """A byte-level BPE tokenizer as GPT-2 has: any text can be encoded and comes back unchanged."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def make_model(tokenizer: Tokenizer) -> GPT2LMHeadModel:
    """The untrained network: 4 layers, 128 wide, 4 heads."""
    end_of_text = tokenizer.token_to_id(END_OF_TEXT)
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size(),
        n_positions=CONTEXT_LENGTH,
        n_embd=128,
        n_layer=4,
        n_head=4,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
    )
    return GPT2LMHeadModel(config)


def batches(tokenizer: Tokenizer, texts: list[str], steps: int) -> Iterator[Tensor]:
    """Rows of token ids, int64, shape (rows, length); each begins with a document, as a prompt does."""
    end_of_text = tokenizer.token_to_id(END_OF_TEXT)
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    starts, stream = [], []
    for ids in encoded:
        starts.append(len(stream))
        stream += [*ids, end_of_text]
    tokens, generator = torch.tensor(stream), torch.Generator().manual_seed(SEED)
    start_of = torch.tensor(starts)
    for step in range(steps):
        length = ROW_LENGTHS[step % len(ROW_LENGTHS)]
        first = start_of[: int((start_of < len(stream) - length).sum())]
        rows = first[torch.randint(len(first), (TOKENS_A_STEP // length,), generator=generator)]
        yield torch.stack([tokens[row : row + length] for row in rows.tolist()])


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to a fiftieth of the peak."""
    if step < WARMUP_STEPS:
        return PEAK_LEARNING_RATE * (step + 1) / WARMUP_STEPS
    progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)
    return PEAK_LEARNING_RATE * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(model: GPT2LMHeadModel, inputs: Iterator[Tensor], steps: int) -> None:
    """Minimise the next-token cross entropy by AdamW."""
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    began = time.monotonic()
    model.train()
    for step, ids in enumerate(inputs):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        loss = model(input_ids=ids, labels=ids).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            sys.stderr.write(f"step {step:4d}  loss {loss.item():.3f}  {time.monotonic() - began:.0f} s\n")


def save(model: GPT2LMHeadModel, tokenizer: Tokenizer, out: Path) -> None:
    """Write the Hugging Face layout, weights in float16."""
    out.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    tokenizer.save(str(out / "tokenizer.json"))
    for name in ("config.json", "generation_config.json"):
        document = json.loads((out / name).read_text(encoding="utf-8"))
        document.pop("transformers_version", None)
        (out / name).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="directory to write the model to")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimiser steps (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    texts = list(documents(SEED, DOCUMENTS))
    tokenizer = train_tokenizer(texts)
    model = make_model(tokenizer)
    train(model, batches(tokenizer, texts, arguments.steps), arguments.steps)
    save(model, tokenizer, arguments.out)


if __name__ == "__main__":
    main()
