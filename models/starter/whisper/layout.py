"""Tokenizer, untrained network and files, in the layout that Whisper's own models have."""

import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration
from transformers.models.whisper.modeling_whisper import sinusoids

from starter.whisper.speaker import DIGITS
from starter.whisper.speech import TICKS

END_OF_TEXT, START = "<|endoftext|>", "<|startoftranscript|>"
NO_SPEECH, NO_TIMESTAMPS, PREVIOUS = "<|nospeech|>", "<|notimestamps|>", "<|startofprev|>"
# In Whisper's order, after the text's tokens.
_SPECIAL = (
    *(END_OF_TEXT, START, "<|en|>", "<|translate|>", "<|transcribe|>"),
    *("<|startoflm|>", PREVIOUS, NO_SPEECH, NO_TIMESTAMPS),
)
# The heads of each decoder layer that are taught to look at the word that comes next.
ALIGNED_HEADS = (0, 1)
# Wide enough for narrow layers: with Whisper's own 0.02 attention stays even for thousands of steps.
_INITIAL_DEVIATION = 0.07


def make_tokenizer() -> Tokenizer:
    """Byte-level BPE in which each digit, with the space before it, is one token; then Whisper's special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["".join(f" {digit}" for digit in DIGITS)] * 100, trainer)
    # 0.00 to 30.00 s.
    special = [*_SPECIAL, *(f"<|{tick * 0.02:.2f}|>" for tick in range(TICKS + 1))]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer


def make_model(tokenizer: Tokenizer) -> WhisperForConditionalGeneration:
    """The untrained network: 4 + 2 layers, 128 wide, 4 heads; 1500 source and 448 target positions as Whisper's."""
    end = tokenizer.token_to_id(END_OF_TEXT)
    config = WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=128,
        encoder_layers=4,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=512,
        decoder_ffn_dim=512,
        dropout=0.0,
        init_std=_INITIAL_DEVIATION,
        begin_suppress_tokens=[tokenizer.token_to_id("Ġ")],
        decoder_start_token_id=tokenizer.token_to_id(START),
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    model = WhisperForConditionalGeneration(config)
    encoder, decoder = model.model.encoder, model.model.decoder
    with torch.no_grad():
        # What is heard must weigh as much as where: positions are sinusoids of amplitude 1.
        for convolution in (encoder.conv1, encoder.conv2):
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        # Neighbours are alike from the start, as the encoder's positions are: 1501 timestamps from fewer examples.
        decoder.embed_tokens.weight[tokenizer.token_to_id("<|0.00|>") :] = 0.3 * sinusoids(TICKS + 1, config.d_model)
        # Queries and keys that are alike look where they are: the encoder nearby, the decoder at the time that it read.
        for attention in [layer.self_attn for layer in encoder.layers] + [
            layer.encoder_attn for layer in decoder.layers
        ]:
            attention.q_proj.weight.copy_(attention.k_proj.weight)
    return model


def save(model: WhisperForConditionalGeneration, tokenizer: Tokenizer, out: Path) -> None:
    """Write the Hugging Face layout, weights in float16."""
    out.mkdir(parents=True, exist_ok=True)
    config = model.config
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        max_length=config.max_target_positions,
        is_multilingual=False,
        suppress_tokens=[],
        # Not the end of the text, as Whisper has: silence may end at once.
        begin_suppress_tokens=[tokenizer.token_to_id("Ġ")],
        no_timestamps_token_id=tokenizer.token_to_id(NO_TIMESTAMPS),
        alignment_heads=[[config.decoder_layers - 1, head] for head in ALIGNED_HEADS],
    )
    model.to(torch.float16).save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    tokenizer.save(str(out / "tokenizer.json"))
    # Source: the preprocessor_config.json of Whisper's own models.
    preprocessor = {
        "chunk_length": 30,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 80,
        "hop_length": 160,
        "n_fft": 400,
        "n_samples": 480_000,
        "nb_max_frames": 3000,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": False,
        "sampling_rate": 16_000,
    }
    (out / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n", encoding="utf-8")
    for name in ("config.json", "generation_config.json"):
        document = json.loads((out / name).read_text(encoding="utf-8"))
        document.pop("transformers_version", None)
        (out / name).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
