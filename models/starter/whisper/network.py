"""The network's forward pass, to train with: only part of the 30 s that the encoder always hears is computed.

Attention to 1500 positions of which most are silence is most of the work. Here the encoder hears a short window in
full, and of what lies before and after it a few positions only, each of which counts for many. Given whole windows of
30 s it is the same function as transformers' (tests/contract/test_starter_whisper.py).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import gelu
from transformers import WhisperForConditionalGeneration


@dataclass(frozen=True, slots=True)
class Heard:
    """Windows, and where they lie in 30 s.

    Args:
        features: float32, shape (n, 80, frames).
        positions: int64, shape (n, keys): where in the 30 s each position lies; first those of the window.
        repeated: int64, shape (n, distant), distant = keys - frames / 2: which of the window's positions is heard again
            at each distant one; -1 is the nothing that fills up features.
        log_counts: float32, shape (keys,): logarithm of how many positions each counts for.
    """

    features: Tensor
    positions: Tensor
    repeated: Tensor
    log_counts: Tensor


def encode(model: WhisperForConditionalGeneration, heard: Heard) -> Tensor:
    """What the encoder makes of it: (n, keys, width)."""
    encoder = model.model.encoder
    hidden = _convolved(encoder, heard.features)
    if heard.repeated.shape[1]:
        nothing = _convolved(encoder, heard.features.new_zeros(1, 80, 8))[0, 2]
        places = heard.repeated.clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
        distant = torch.where(heard.repeated.unsqueeze(-1) < 0, nothing, hidden.gather(1, places))
        hidden = torch.cat([hidden, distant], 1)
    hidden = hidden + encoder.embed_positions.weight[heard.positions]
    for layer in encoder.layers:
        normal = layer.self_attn_layer_norm(hidden)
        queries, keys, values = _projected(layer.self_attn, normal, normal)
        look = _look(queries, keys, heard.log_counts)
        hidden = hidden + _joined(layer.self_attn, look.to(values.dtype) @ values)
        hidden = hidden + _fed_forward(layer, hidden)
    return encoder.layer_norm(hidden)


def decode(
    model: WhisperForConditionalGeneration, hidden: Tensor, log_counts: Tensor, ids: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """The decoder's logits for what comes after each id, (n, length, vocabulary), and where each layer's heads look in
    the encoder's positions, (n, heads, length, keys)."""
    decoder = model.model.decoder
    written = decoder.embed_tokens(ids) + decoder.embed_positions.weight[: ids.shape[1]]
    later = torch.full((ids.shape[1], ids.shape[1]), -torch.inf).triu(1)
    looks = []
    for layer in decoder.layers:
        normal = layer.self_attn_layer_norm(written)
        queries, keys, values = _projected(layer.self_attn, normal, normal)
        look = _look(queries, keys, later)
        written = written + _joined(layer.self_attn, look.to(values.dtype) @ values)
        normal = layer.encoder_attn_layer_norm(written)
        queries, keys, values = _projected(layer.encoder_attn, normal, hidden)
        look = _look(queries, keys, log_counts)
        written = written + _joined(layer.encoder_attn, look.to(values.dtype) @ values)
        written = written + _fed_forward(layer, written)
        looks.append(look)
    return model.proj_out(decoder.layer_norm(written)), looks


def _convolved(encoder: Module, features: Tensor) -> Tensor:
    return gelu(encoder.conv2(gelu(encoder.conv1(features)))).transpose(1, 2)


def _projected(attention: Module, queries: Tensor, sources: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each (n, heads, length, width / heads)."""
    projections = attention.q_proj(queries), attention.k_proj(sources), attention.v_proj(sources)
    first, second, third = (part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for part in projections)
    return first, second, third


def _look(queries: Tensor, keys: Tensor, bias: Tensor) -> Tensor:
    # Not scaled_dot_product_attention: its backward pass takes half of a step on a CPU.
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(-1, -2)
    return (scores + bias).softmax(-1)


def _joined(attention: Module, mixed: Tensor) -> Tensor:
    return attention.out_proj(mixed.transpose(1, 2).flatten(2))


def _fed_forward(layer: Module, hidden: Tensor) -> Tensor:
    return layer.fc2(gelu(layer.fc1(layer.final_layer_norm(hidden))))
