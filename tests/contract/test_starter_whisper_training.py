"""What the starter speech recogniser is trained with is what it will meet, and its training can be done again."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from tokenizers import Tokenizer

from starter.whisper.batches import Batches
from starter.whisper.features import log_mel
from starter.whisper.layout import make_model, make_tokenizer
from starter.whisper.network import Heard, decode, encode
from starter.whisper.speaker import DIGITS, SAMPLE_RATE_HZ, Manner, Speaker, Word
from starter.whisper.speech import TICK, TICKS, Pool, Voices, Window, utterances
from starter.whisper.targets import IGNORED, NO_DIGIT, Targets, frame_labels
from starter.whisper.train import SEED, Training

ESPEAK = Path(espeakng_loader.__file__).parent
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    return Speaker(ESPEAK)


@pytest.fixture(scope="module")
def pool(speaker: Speaker) -> Pool:
    return Pool(utterances(speaker, np.random.default_rng(1), Voices(("en-us", "en+f3"), (150, 200)), 24))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer()


def _window(*words: Word, cut_at: int | None = None) -> Window:
    return Window(np.zeros(4 * SAMPLE_RATE_HZ, np.float32), words, cut_at, lead_ticks=0)


def test_espeak_tells_where_each_digit_is(speaker: Speaker) -> None:
    """Words follow each other within the sound, and are louder than what is between them."""
    said = speaker.say((3, 1, 4, 1, 5), Manner("en-us", separator=", "))
    edges = [edge for word in said.words for edge in (word.begin, word.end)]
    assert said.text == "three one four one five"
    assert edges == sorted(edges)
    assert edges[-1] <= said.samples.size
    level = np.abs(said.samples.astype(np.float32))
    inside = np.concatenate([level[word.begin : word.end] for word in said.words])
    between = np.concatenate([level[one.end : two.begin] for one, two in zip(said.words, said.words[1:], strict=False)])
    assert between.size > SAMPLE_RATE_HZ // 10
    assert between.mean() < inside.mean() / 20


def test_a_smaller_head_speaks_higher_and_faster(speaker: Speaker) -> None:
    """At a scale of 1.25 each word ends at four fifths of its time, and most of the sound is a quarter higher."""
    plain, small = (speaker.say((3, 1, 4), Manner("en-us", scale=scale)) for scale in (1.0, 1.25))
    for one, two in zip(plain.words, small.words, strict=True):
        assert two.end / one.end == pytest.approx(0.8, abs=0.05)
    centres = []
    for said in (plain, small):
        spectrum = np.abs(np.fft.rfft(said.samples)) ** 2
        centres.append((np.fft.rfftfreq(said.samples.size) * spectrum).sum() / spectrum.sum())
    assert centres[1] / centres[0] == pytest.approx(1.25, abs=0.1)


def test_features_are_those_of_faster_whisper() -> None:
    """The same to 1e-4, for noise and for silence."""
    for level in (0.1, 0.0):
        sound = np.random.default_rng(2).normal(0, level, 3 * SAMPLE_RATE_HZ).astype(np.float32)
        theirs = FeatureExtractor(feature_size=80)(sound)
        np.testing.assert_allclose(log_mel(torch.from_numpy(sound)).numpy(), theirs, atol=1e-4)


def test_network_is_transformers_own(tokenizer: Tokenizer) -> None:
    """Given all 30 s, encoder and decoder give what WhisperForConditionalGeneration gives."""
    torch.manual_seed(3)
    model = make_model(tokenizer).eval()
    features, ids = torch.randn(1, 80, 2 * TICKS), torch.randint(0, 300, (1, 9))
    no_more, counts = torch.zeros(1, 0, dtype=torch.int64), torch.zeros(TICKS)
    with torch.no_grad():
        hidden = encode(model, Heard(features, torch.arange(TICKS)[None], no_more, counts))
        logits, looks = decode(model, hidden, counts, ids)
        theirs = model(input_features=features, decoder_input_ids=ids).logits
    torch.testing.assert_close(logits, theirs, atol=1e-4, rtol=1e-4)
    assert looks[0].shape == (1, model.config.decoder_attention_heads, 9, TICKS)


def test_short_windows_stand_for_30_s(tokenizer: Tokenizer) -> None:
    """A few positions, counted many times, change the encoder's answer little against all 30 s of the same."""
    torch.manual_seed(4)
    model = make_model(tokenizer).eval()
    features, ticks, count = torch.randn(1, 80, 400), 200, 65
    distant = torch.arange(ticks, TICKS, (TICKS - ticks) // count)[:count]
    counts = torch.cat([torch.zeros(ticks), torch.full((count,), float(np.log((TICKS - ticks) / count)))])
    positions, nothing = torch.cat([torch.arange(ticks), distant])[None], torch.full((1, count), -1)
    whole = torch.nn.functional.pad(features, (0, 2 * TICKS - 400))
    with torch.no_grad():
        short = encode(model, Heard(features, positions, nothing, counts))[:, :ticks]
        alone = encode(model, Heard(features, positions[:, :ticks], nothing[:, :0], counts[:ticks]))
        full = model.model.encoder(whole).last_hidden_state[:, :ticks]
    assert (short - full).abs().mean() < 0.05
    assert (short - full).abs().mean() < (alone - full).abs().mean() / 5


def test_targets_say_what_is_heard_and_when(tokenizer: Tokenizer) -> None:
    """With timestamps each word lies between its times; the words are there in either form."""
    second = SAMPLE_RATE_HZ
    window = _window(
        Word(4, second // 2, second), Word(2, second, 3 * second // 2), Word(0, 3 * second, 7 * second // 2)
    )
    forms = set()
    for seed in range(50):
        row = Targets(tokenizer).row(window, 0, 0, np.random.default_rng(seed))
        counted = [label for label in row.labels if label != IGNORED]
        forms.add(tokenizer.decode(counted, skip_special_tokens=False))
        assert row.ids[1:] == [tokenizer.token_to_id("<|notimestamps|>"), *counted[:-1]] or row.ids[1:] == counted[:-1]
    assert forms == {
        "<|0.50|> four<|1.00|><|1.00|> two<|1.50|><|3.00|> zero<|3.50|><|endoftext|>",
        " four two zero<|endoftext|>",
    }


def test_times_never_go_back(tokenizer: Tokenizer) -> None:
    """A word that ends within the tick in which the next begins: the next begins after it."""
    words = [Word(digit, 1000 + 5000 * digit, 6000 + 5000 * digit) for digit in range(3)]
    rows = [Targets(tokenizer).row(_window(*words), 0, 0, np.random.default_rng(seed)) for seed in range(9)]
    forms = {tokenizer.decode(row.labels, skip_special_tokens=False) for row in rows if row.labels[0] != IGNORED}
    assert forms == {"<|0.06|> zero<|0.38|><|0.38|> one<|0.70|><|0.70|> two<|1.00|><|endoftext|>"}


def test_what_goes_on_beyond_the_window_is_only_begun(tokenizer: Tokenizer) -> None:
    """Whole words, then the time at which the next window has to begin; a late first time is 1.00 s at most."""
    window = _window(Word(7, SAMPLE_RATE_HZ, 2 * SAMPLE_RATE_HZ), cut_at=2 * SAMPLE_RATE_HZ)
    rows = [Targets(tokenizer).row(window, 1000, 0, np.random.default_rng(seed)) for seed in range(9)]
    timed = [row for row in rows if tokenizer.token_to_id("<|notimestamps|>") not in row.ids]
    assert tokenizer.decode(timed[0].labels, skip_special_tokens=False) == (
        "<|1.00|> seven<|22.00|><|22.00|><|endoftext|>"
    )
    assert timed[0].looks[1] == (SAMPLE_RATE_HZ // TICK, 2 * SAMPLE_RATE_HZ // TICK - 1)


def test_silence_is_no_speech(tokenizer: Tokenizer) -> None:
    """At the start `<|nospeech|>`, in four of five; then the end, with or without timestamps."""
    rows = [Targets(tokenizer).row(_window(), 0, 0, np.random.default_rng(seed)) for seed in range(50)]
    firsts = [tokenizer.id_to_token(row.labels[0]) for row in rows]
    assert set(firsts) == {"<|nospeech|>", "<|0.00|>"}
    assert firsts.count("<|nospeech|>") > 30
    assert {tokenizer.id_to_token(row.labels[1]) for row in rows} == {"<|endoftext|>"}
    assert {tokenizer.id_to_token(row.ids[1]) for row in rows} == {"<|0.00|>", "<|notimestamps|>"}


def test_words_are_one_token(tokenizer: Tokenizer) -> None:
    """Each digit with its space is one token, and other text can be encoded, for a prompt may be anything."""
    assert [len(tokenizer.encode(f" {digit}").ids) for digit in DIGITS] == [1] * 10
    assert tokenizer.decode(tokenizer.encode(" - what's “this”?").ids) == " - what's “this”?"


@pytest.mark.parametrize("step", [0, 500, 1203, 1216, 1231])
def test_batches_depend_on_nothing_but_their_step(pool: Pool, tokenizer: Tokenizer, step: int) -> None:
    """The same step twice is the same, of every shape; labelled words are where the features are loud."""
    batches = Batches(pool, Targets(tokenizer), SEED)
    one, two = batches[step], batches[step]
    assert all(torch.equal(first, second) for first, second in zip(one, two, strict=True))
    assert one.positions.shape[1] == one.log_counts.shape[0] == one.frames.shape[1] + one.repeated.shape[1]
    ticks = one.frames.shape[1]
    assert (one.positions[:, 1:ticks] - one.positions[:, : ticks - 1] == 1).all()
    assert int(one.positions.max()) < TICKS
    levels = one.features[:, :, ::2].mean(1)
    is_word = one.frames != NO_DIGIT
    assert levels[is_word].mean() > levels[~is_word].mean() + 0.1


def test_frames_are_labelled_by_digit() -> None:
    """And by nothing where nobody speaks."""
    window = _window(Word(4, 0, TICK), Word(2, TICK, 3 * TICK), Word(9, 100 * TICK, 101 * TICK))
    labels = frame_labels(window, 102).tolist()
    assert labels[:4] == [4, 2, 2, NO_DIGIT]
    assert labels[99:] == [NO_DIGIT, 9, NO_DIGIT]


def test_training_goes_on_where_it_stopped(pool: Pool, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A step after a checkpoint was read gives the weights that it gives without."""
    torch.manual_seed(5)
    batches, straight = Batches(pool, Targets(tokenizer), SEED), Training(make_model(tokenizer))
    straight.learn(batches[0], 100)
    straight.write(tmp_path / "checkpoint.pt")
    resumed = Training(make_model(tokenizer))
    resumed.read(tmp_path / "checkpoint.pt")
    for training in (straight, resumed):
        training.learn(batches[1], 100)
    assert straight.step == resumed.step == 2
    for one, two in zip(straight.mean.parameters(), resumed.mean.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_step_teaches(pool: Pool, tokenizer: Tokenizer) -> None:
    """The loss of one batch falls when that batch is learnt from."""
    torch.manual_seed(6)
    batch, training = Batches(pool, Targets(tokenizer), SEED)[0], Training(make_model(tokenizer))
    losses = [training.learn(batch, 100) for _ in range(8)]
    assert losses[-1].text < losses[0].text
    assert losses[-1].frames < losses[0].frames


def _train(out: Path) -> dict[str, str]:
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", HF_HUB_OFFLINE="1", PYTHONPATH=str(MODELS))
    options = ["--espeak", str(ESPEAK), "--steps", "3", "--utterances", "200"]
    command = [sys.executable, "-m", "starter.whisper.train", str(out), *options]
    subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


@pytest.mark.slow
def test_training_repeats_bit_for_bit(tmp_path: Path) -> None:
    """Two trainings of three steps write the same files."""
    first, second = _train(tmp_path / "first"), _train(tmp_path / "second")
    configs = {"config.json", "generation_config.json", "preprocessor_config.json"}
    assert set(first) == {*configs, "golden.wav", "model.safetensors", "tokenizer.json"}
    assert first == second
