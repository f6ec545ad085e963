"""What an image holds of the server: the modules that its services reach, as bytecode, and the files beside them.

    python -X no_debug_ranges reached_code.py SOURCE OUT [SERVICE_LEFT_OUT…]

Every node pulls this anew after every change of code. So it holds no columns of instructions, no sources, and no
docstrings but those that are published; tracebacks name a file as the repository has it, and its line.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from modulefinder import ModuleFinder
from pathlib import Path
from py_compile import PycInvalidationMode, compile  # noqa: A004  of a file

# What an image starts: the server, and its health check.
_ENTRIES = ("coldstart.__main__", "coldstart.apps.healthcheck")
# What a service starts beside them, by modules in the package that is called as the service and this.
_CONTAINER = "_container"
# Their users' docstrings become descriptions in /openapi.json.
_PUBLISHERS = frozenset({"fastapi", "pydantic"})
# What imports by a name that only a run would tell.
_IMPORTERS = frozenset({"importlib", "pkgutil", "runpy"})


def main(source: Path, out: Path, left_out: Sequence[str]) -> None:
    """Write to `out` what the entry modules reach without going through the services that are left out.

    Args:
        source: the directory that holds the package `coldstart`.
        out: made; a directory for PYTHONPATH.
        left_out: names of modules in `coldstart.apps`; what is called as one of them, an underscore and more is left
            out with it.

    Raises:
        SystemExit: a module is imported that there is not, or in a way that cannot be followed.
    """
    source = source.resolve()
    excluded = [module for service in left_out for module in _modules_of(source, service)]
    finder = ModuleFinder(path=[str(source)], excludes=excluded)
    for entry in (*_ENTRIES, *_container_modules(source, excluded)):
        finder.import_hook(entry)
    if wrong := [*_unknown(source, excluded), *_unfollowed(finder)]:
        raise SystemExit("\n".join(wrong))
    publishing = _importers_of(finder, _PUBLISHERS)
    for name in finder.modules:
        # The others are the interpreter's own.
        if name.partition(".")[0] == "coldstart":
            path = _path_of(source, name)
            _compile(path, source, out, with_docstrings=name in publishing)
            if path.name == "__init__.py":
                _copy_data(path.parent, source, out)


def _modules_of(source: Path, service: str) -> list[str]:
    parts = sorted(path.stem for path in source.glob(f"coldstart/apps/{service}_*"))
    return [f"coldstart.apps.{name}" for name in (service, *parts)]


def _container_modules(source: Path, excluded: Sequence[str]) -> Iterator[str]:
    for path in sorted(source.glob(f"coldstart/apps/*{_CONTAINER}/*.py")):
        package = f"coldstart.apps.{path.parent.name}"
        if package not in excluded and path.stem != "__init__":
            yield f"{package}.{path.stem}"


def _path_of(source: Path, name: str) -> Path:
    path = source.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _unknown(source: Path, excluded: Sequence[str]) -> Iterator[str]:
    for name in excluded:
        if not _path_of(source, name).exists():
            yield f"{name} is to be left out, and there is no such module"


def _unfollowed(finder: ModuleFinder) -> Iterator[str]:
    for name in sorted(finder.any_missing()):
        if name.startswith("coldstart."):
            yield f"{name} is imported, and there is no such module"
    for importer in sorted(_importers_of(finder, _IMPORTERS)):
        yield f"{importer} imports by name: what it reaches cannot be told; import it where it is used instead"


def _importers_of(finder: ModuleFinder, packages: frozenset[str]) -> set[str]:
    """The modules that import anything of these packages, which are not part of the source."""
    found = (importers for name, importers in finder.badmodules.items() if name.partition(".")[0] in packages)
    return {importer for importers in found for importer in importers}


def _compile(path: Path, source: Path, out: Path, *, with_docstrings: bool) -> None:
    compile(
        str(path),
        cfile=str(out / path.relative_to(source).with_suffix(".pyc")),
        dfile=str(path.relative_to(source.parent)),
        doraise=True,
        optimize=0 if with_docstrings else 2,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def _copy_data(package: Path, source: Path, out: Path) -> None:
    """The files of a package that are no modules, with its directories that are no packages."""
    for path in package.iterdir():
        target = out / path.relative_to(source)
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            shutil.copytree(path, target)
        elif path.is_file() and path.suffix != ".py":
            shutil.copyfile(path, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
