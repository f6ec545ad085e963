"""Command line: `layer` and `image` are what derivations run, `copy` is what people run."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import LayersError

FAILED = 1


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; 0, or 1 after one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "copy":
            _copy(options, environ)
        else:
            _build(options.command, environ)
    except (LayersError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\nerror: stopped by the keyboard; nothing half-copied is kept.\n")
        return FAILED
    return 0


def _build(command: str, environ: Mapping[str, str]) -> None:
    """Inside a derivation: the request lies in the file that `requestPath` names, the result goes to `out`."""
    # Imported here, so that copying does not pay for it.
    from . import build

    request = json.loads(Path(environ["requestPath"]).read_bytes())
    output = Path(environ["out"])
    if command == "layer":
        build.write_layer(request, Path.cwd(), output)
    else:
        build.write_image(request, output)


def _copy(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    from .copy import copy
    from .model import read_image

    copy(read_image(options.image), options.name, options.destination, tls_verify=options.tls_verify, environ=environ)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="layers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("layer", help="build a layer derivation from $requestPath to $out")
    commands.add_parser("image", help="build an image derivation from $requestPath to $out")
    copy = commands.add_parser("copy", help="copy an image out of the store")
    copy.add_argument("image", type=Path, help="an image derivation")
    copy.add_argument("name", help="NAME:TAG")
    copy.add_argument("destination", help="where to, by skopeo's names of transports")
    copy.add_argument(
        "--dest-tls-verify",
        dest="tls_verify",
        nargs="?",
        const=True,
        default=True,
        type=_truth,
        metavar="true|false",
        help="false accepts any certificate, and registries without TLS",
    )
    return parser


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r}; wanted true or false")
    return text == "true"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
