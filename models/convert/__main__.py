"""`python -m convert …`: see each command's --help."""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="convert", description="Conversion of models at build time.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    gpt2 = commands.add_parser("gpt2", help="a GPT-2 in the Hugging Face layout → the onnxruntime engine's artifact")
    gpt2.add_argument("source", type=Path, help="directory with config.json, model.safetensors and tokenizer.json")
    gpt2.add_argument("out", type=Path, help="directory to write to")
    gpt2.add_argument("--precision", choices=["int8", "float32"], default="int8")
    gpt2.set_defaults(run=_gpt2)
    random_gpt2 = commands.add_parser("random-gpt2", help="a 124M-sized GPT-2 of random weights, to measure with")
    random_gpt2.add_argument("out", type=Path, help="directory to write to")
    random_gpt2.add_argument("--seed", type=int, default=0)
    random_gpt2.set_defaults(run=_random_gpt2)
    espeak_ng = commands.add_parser("espeak-ng", help="the package espeakng-loader → the espeak-ng engine's artifact")
    espeak_ng.add_argument("source", type=Path, help="directory in which the package is installed")
    espeak_ng.add_argument("out", type=Path, help="directory to write to")
    espeak_ng.set_defaults(run=_espeak_ng)
    kokoro = commands.add_parser("kokoro", help="Kokoro-82M as published → the kokoro engine's artifact")
    kokoro.add_argument("source", type=Path, help="directory with config.json, tokenizer.json, onnx/ and voices/")
    kokoro.add_argument("out", type=Path, help="directory to write to")
    kokoro.add_argument("packages", type=Path, help="directory in which espeakng-loader is installed")
    kokoro.set_defaults(run=_kokoro)
    whisper = commands.add_parser("whisper", help="a Whisper → the ctranslate2 engine's artifact")
    whisper.add_argument("source", type=Path, help="directory in the Hugging Face layout, or converted already")
    whisper.add_argument("out", type=Path, help="directory to write to")
    whisper.set_defaults(run=_whisper)
    random_whisper = commands.add_parser("random-whisper", help="a Whisper of random weights, to measure with")
    random_whisper.add_argument("out", type=Path, help="directory to write to")
    random_whisper.add_argument("--size", choices=["test", "tiny", "base"], default="base")
    random_whisper.add_argument("--english-only", action="store_true", help="without languages")
    random_whisper.add_argument("--seed", type=int, default=0)
    random_whisper.set_defaults(run=_random_whisper)
    silero_vad = commands.add_parser("silero-vad", help="Silero's voice activity model out of faster-whisper")
    silero_vad.add_argument("source", type=Path, help="directory in which faster-whisper is installed")
    silero_vad.add_argument("out", type=Path, help="directory to write to")
    silero_vad.set_defaults(run=_silero_vad)
    manifest = commands.add_parser("manifest", help="the manifest of an image, from a description of its models")
    manifest.add_argument("out", type=Path, help="file to write")
    manifest.add_argument("description", type=Path, help="JSON: each model with its artifacts and its golden answer")
    manifest.set_defaults(run=_manifest)
    arguments = parser.parse_args()
    arguments.run(arguments)


def _gpt2(arguments: argparse.Namespace) -> None:
    from convert.golden import write_golden
    from convert.gpt2 import convert_gpt2

    convert_gpt2(arguments.source, arguments.out, arguments.precision)
    distance = write_golden(arguments.source, arguments.out)
    print(f"golden answer: total variation {distance:.4f} from float32")  # noqa: T201  a command's output


def _random_gpt2(arguments: argparse.Namespace) -> None:
    from convert.random_gpt2 import write_random_gpt2

    write_random_gpt2(arguments.out, arguments.seed)


def _espeak_ng(arguments: argparse.Namespace) -> None:
    from convert.espeak_ng import convert_espeak_ng

    convert_espeak_ng(arguments.source, arguments.out)


def _kokoro(arguments: argparse.Namespace) -> None:
    from convert.kokoro import convert_kokoro

    convert_kokoro(arguments.source, arguments.packages, arguments.out)


def _whisper(arguments: argparse.Namespace) -> None:
    from convert.whisper import convert_whisper
    from convert.whisper_golden import write_golden

    convert_whisper(arguments.source, arguments.out)
    distance = write_golden(arguments.source, arguments.out)
    print(f"golden answer: {distance:.4f} a token from float32's log-probabilities")  # noqa: T201  a command's output


def _random_whisper(arguments: argparse.Namespace) -> None:
    from convert.random_whisper import write_random_whisper

    write_random_whisper(arguments.out, arguments.size, arguments.seed, english_only=arguments.english_only)


def _silero_vad(arguments: argparse.Namespace) -> None:
    from convert.silero_vad import convert_silero_vad

    convert_silero_vad(arguments.source, arguments.out)


def _manifest(arguments: argparse.Namespace) -> None:
    from convert.manifest import write_manifest

    write_manifest(arguments.out, arguments.description)


if __name__ == "__main__":
    main()
