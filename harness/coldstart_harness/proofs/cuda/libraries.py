"""What the libraries of an image want of CUDA, and what is there. Nothing is run."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from coldstart_harness.archive.elf import Elf
from coldstart_harness.archive.image import ImageAtRest
from coldstart_harness.archive.loading import Loading

# The driver's libraries come from the machine; NVIDIA's container toolkit puts them into a container.
DRIVER = re.compile(r"lib(cuda|cudadebugger|nvcuvid|nvoptix|nvidia-[\w.-]+?)\.so(\.\d+)*")
_STUB = re.compile(r"lib(cuda|nvidia-ml)\.so(\.\d+)*")
_CUDA = re.compile(
    r"lib(cudart|cublas|cublasLt|cudnn\w*|cufft\w*|curand|cusolver\w*|cusparse\w*|nvrtc|nvJitLink|nvjpeg|nccl|cupti|npp\w+"
    r"|cufile\w*|nvshmem_host|nvToolsExt)\.so\.(\d+)"
)
# CTranslate2 opens CUDA's libraries when it first computes; it does not need them by name.
_OPENS_CUDA = re.compile(r"libctranslate2\b.*\.so[.\d]*")
# It opens this one only where a model is spread over several GPUs.
_OPENED_FOR_SEVERAL_GPUS = "libnccl."
# Plug-ins that stay closed where the hardware or package that they are for is not there: file → what it may lack.
_PLUG_INS = {
    "_tkinter.*.so": ("libtk*", "libtcl*", "libBLT*"),
    "nvshmem_*.so*": ("libmpi.so*", "libpmix.so*", "liboshmem.so*", "libmlx5.so*", "libfabric.so*", "libuc?.so*"),
    "libcufile_rdma.so*": ("libmlx5.so*", "librdmacm.so*", "libibverbs.so*"),
    "libonnxruntime_providers_tensorrt.so": ("libnvinfer*.so*", "libnvonnxparser.so*"),
}
_BLOCK_BYTES = 1 << 20
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """A CUDA library that a file wants: who, and the library's name with its major version."""

    elf: Elf
    library: str


def lacking(loading: Loading) -> list[str]:
    """A sentence on each file that needs a library which no way of loading it finds."""
    sentences = []
    for path, names in loading.unresolved().items():
        file = path.rpartition("/")[2]
        may_lack = [p for pattern, libraries in _PLUG_INS.items() if fnmatchcase(file, pattern) for p in libraries]
        left = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in may_lack)]
        if left:
            sentences.append(f"{path} needs {', '.join(left)}")
    return sentences


def stubs_in_reach(image: ImageAtRest, elves: Iterable[Elf], loading: Loading) -> list[str]:
    """A sentence on each search path that leads to a stand-in for the driver, and on each driver inside the image."""
    who = dict.fromkeys(loading.library_path, "LD_LIBRARY_PATH")
    who |= dict.fromkeys(loading.default_directories, "the loader's default path")
    for name, cached in loading.cache.items():
        if _STUB.fullmatch(name):
            who |= dict.fromkeys((path.rpartition("/")[0] for path in cached), "the loader's cache")
    for elf in elves:
        for kind, entries in (("RPATH", elf.rpath), ("RUNPATH", elf.runpath)):
            for directory in loading.directories_of(elf, entries):
                who.setdefault(directory, f"the {kind} of {elf.path}")
    sentences = []
    for directory, owner in who.items():
        stubs = sorted(name for name in image.tree.names_in(directory) if _STUB.fullmatch(name))
        if stubs:
            sentences.append(f"{owner} leads to {directory}/{stubs[0]}, a stand-in for the driver's")
    for path in sorted(image.tree.paths()):
        parts = path.split("/")
        if _STUB.fullmatch(parts[-1]) and not {"stubs", "compat"} & set(parts[:-1]):
            sentences.append(f"{path} is in the image; the driver's libraries belong to the machine")
    return sentences


def wishes_by_name(elves: Iterable[Elf]) -> list[Wish]:
    """CUDA libraries, and the driver's, that files need by name."""
    return [
        Wish(elf, name)
        for elf in elves
        for name in elf.needed
        if (_CUDA.fullmatch(name) or DRIVER.fullmatch(name)) and not DRIVER.fullmatch(elf.soname or elf.name)
    ]


def wishes_when_computing(image: ImageAtRest, elves: Iterable[Elf]) -> list[Wish]:
    """CUDA libraries that are opened later, by names that are written in the file."""
    return [
        Wish(elf, library)
        for elf in elves
        if _OPENS_CUDA.fullmatch(elf.name)
        for library in sorted(_names_written_in(image, elf))
        if not library.startswith(_OPENED_FOR_SEVERAL_GPUS)
    ]


def not_there(image: ImageAtRest, elves: Sequence[Elf], wishes: Iterable[Wish]) -> list[str]:
    """A sentence on each CUDA library that is wanted and not in the image, with the majors of it that are."""
    there = {name for elf in elves for name in (elf.name, elf.soname)}
    there |= {link.path.rpartition("/")[2] for link in image.tree.symlinks() if image.tree.resolve(link.path)}
    sentences = []
    for library in sorted({wish.library for wish in wishes if _CUDA.fullmatch(wish.library)} - there):
        stem = library.partition(".so.")[0]
        majors = sorted({m[2] for name in there if (m := _CUDA.match(name)) and name.startswith(f"{stem}.so.")})
        wanting = sorted({wish.elf.path for wish in wishes if wish.library == library})
        has = f"it has {stem} of major {', '.join(majors)}" if majors else f"it has no {stem}"
        sentences.append(f"{_some(wanting)} wants {library}, which is not in the image: {has}")
    return sentences


def majors_of(wishes: Iterable[Wish]) -> str:
    """`cublas 12, cudnn 9`: what is wanted, as people read it."""
    matches = [match for wish in wishes if (match := _CUDA.fullmatch(wish.library))]
    return ", ".join(sorted({f"{match[1]} {match[2]}" for match in matches}))


def wrong_variables(environment: dict[str, str], *, cuda: bool) -> list[str]:
    """A sentence on each NVIDIA_* variable that is not as NVIDIA's container toolkit must find it."""
    visible = environment.get("NVIDIA_VISIBLE_DEVICES")
    capabilities = environment.get("NVIDIA_DRIVER_CAPABILITIES")
    required = environment.get("NVIDIA_REQUIRE_CUDA")
    if not cuda:
        given = {"VISIBLE_DEVICES": visible, "DRIVER_CAPABILITIES": capabilities, "REQUIRE_CUDA": required}
        return [f"NVIDIA_{name}={value} is set without CUDA" for name, value in given.items() if value is not None]
    sentences = []
    if visible != "all":
        sentences.append(f"NVIDIA_VISIBLE_DEVICES is {visible or 'not set'} instead of all")
    if not {"all"} & set((capabilities or "").split(",")) and not {"compute", "utility"} <= set(
        (capabilities or "").split(",")
    ):
        sentences.append(f"NVIDIA_DRIVER_CAPABILITIES is {capabilities or 'not set'} instead of compute,utility")
    if not required:
        sentences.append("NVIDIA_REQUIRE_CUDA is not set, so that too old a driver is not refused")
    return sentences


def _names_written_in(image: ImageAtRest, elf: Elf) -> set[str]:
    entry = image.tree.at(elf.path)
    found: set[str] = set()
    if entry is None:
        return found
    pattern = re.compile(_CUDA.pattern.encode() + rb"(?![\w.])")
    with image.open(entry) as file:
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            text = rest + block
            found |= {match[0].decode() for match in pattern.finditer(text)}
            rest = text[-_LONGEST_NAME:]
    return found


def _some(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
