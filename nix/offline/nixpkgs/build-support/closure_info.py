"""Builder of closureInfo: writes what nixpkgs' closureInfo writes, from the graph that Nix hands over."""

import json
from pathlib import Path


def registration_of(entry: dict) -> str:
    """Return the lines that `nix-store --load-db` reads for one path."""
    references = sorted(entry["references"])
    return "\n".join([entry["path"], entry["narHash"], str(entry["narSize"]), "", str(len(references)), *references])


def main() -> None:
    """Read the build's attributes and write the three files into its output."""
    # Not $NIX_ATTRS_JSON_FILE: Nix 2.8 writes the folder's name outside the sandbox into it.
    attributes = json.loads(Path(".attrs.json").read_text(encoding="utf-8"))
    out = Path(attributes["outputs"]["out"])
    closure = sorted(attributes["closure"], key=lambda entry: entry["path"])
    out.mkdir()
    (out / "total-nar-size").write_text(f"{sum(entry['narSize'] for entry in closure)}\n", encoding="utf-8")
    (out / "registration").write_text("".join(registration_of(entry) + "\n" for entry in closure), encoding="utf-8")
    (out / "store-paths").write_text("".join(entry["path"] + "\n" for entry in closure), encoding="utf-8")


main()
