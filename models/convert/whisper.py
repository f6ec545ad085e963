"""From a Whisper, in the Hugging Face layout or in CTranslate2's, to the artifact of the ctranslate2 engine."""

import json
import shutil
from pathlib import Path

import transformers
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer

_PUBLISHED = ("config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json")
_CONVERTED = ("model.bin", "config.json", "tokenizer.json")
# Which of these a converted model has depends on when it was converted, and on how many mel bands it hears.
_CONVERTED_TOO = ("vocabulary.json", "vocabulary.txt", "preprocessor_config.json")
# One token was renamed when some models had been converted; both names are known to all who read it.
_SAME = {"<|nocaptions|>": "<|nospeech|>"}


class UnsupportedCheckpoint(ValueError):
    """The directory does not hold a Whisper that this conversion understands; the message says what was met."""


def is_converted(source: Path) -> bool:
    """Whether a directory is in CTranslate2's layout already, as Systran publishes its models."""
    return (source / "model.bin").is_file()


def convert_whisper(source: Path, out: Path) -> None:
    """Write model.bin with int8 weights, config.json, vocabulary, tokenizer.json and preprocessor_config.json.

    A directory that is converted already is copied as it is; the engine computes in int8 all the same.

    Raises:
        UnsupportedCheckpoint: a file is missing, or the tokenizer's ids are not those of the weights.
    """
    wanted = _CONVERTED if is_converted(source) else _PUBLISHED
    # CTranslate2 would take a directory that is not there for a name on the Hub.
    missing = [name for name in wanted if not (source / name).is_file()]
    if missing:
        raise UnsupportedCheckpoint(f"{source} has no {', '.join(missing)}")
    if is_converted(source):
        out.mkdir(parents=True, exist_ok=True)
        for name in (*_CONVERTED, *_CONVERTED_TOO):
            if (source / name).is_file():
                shutil.copyfile(source / name, out / name)
    else:
        transformers.utils.logging.disable_progress_bar()
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        if config.get("model_type") != "whisper":
            raise UnsupportedCheckpoint(f"{source}/config.json has model_type {config.get('model_type')!r}")
        converter = TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"])
        converter.convert(str(out), quantization="int8", force=True)
    _check_vocabulary(out)


def _check_vocabulary(artifact: Path) -> None:
    """That tokenizer.json belongs to these weights: CTranslate2 wrote down the tokens that it took them to have."""
    vocabulary = vocabulary_of(artifact)
    ids = Tokenizer.from_file(str(artifact / "tokenizer.json")).get_vocab(with_added_tokens=True)
    for token, index in ids.items():
        met = vocabulary[index] if index < len(vocabulary) else "no such token"
        if _SAME.get(met, met) != _SAME.get(token, token):
            raise UnsupportedCheckpoint(f"tokenizer.json has token {index} as {token!r}; the weights have {met!r}")


def vocabulary_of(artifact: Path) -> list[str]:
    """The tokens by their ids, of the file of either age."""
    if (artifact / "vocabulary.json").is_file():
        tokens: list[str] = json.loads((artifact / "vocabulary.json").read_text(encoding="utf-8"))
        return tokens
    if (artifact / "vocabulary.txt").is_file():
        return (artifact / "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    raise UnsupportedCheckpoint(f"{artifact} has neither vocabulary.json nor vocabulary.txt")
