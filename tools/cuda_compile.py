"""Compiles the CUDA text of every formula and derivative with NVRTC; needs no GPU, runs nothing.

Needs the package nvidia-cuda-nvrtc and an installed facula. Exit status: 0 all compile, 1 some do not, 2 no NVRTC.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from facula import _C

formulas = _C._formulas
BATCH = 150  # kernels in one translation unit: the prelude is parsed once for all of them


def find_nvrtc() -> Path | None:
    """The newest NVRTC library inside the installed nvidia packages."""
    spec = importlib.util.find_spec("nvidia")
    roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    found = [p for root in roots for p in Path(root).rglob("libnvrtc.so*")]
    return max(found, default=None)


class Nvrtc:
    """The few entry points of NVRTC that turn text into PTX."""

    def __init__(self, path: Path, architecture: str) -> None:
        self.library = ctypes.CDLL(str(path))
        self.options = [f"--gpu-architecture={architecture}".encode(), b"--std=c++17"]

    def compile(self, source: str) -> str | None:
        """None where `source` compiles, else the compiler's log."""
        program = ctypes.c_void_p()
        self.check(
            self.library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"formulas.cu", 0, None, None)
        )
        options = (ctypes.c_char_p * len(self.options))(*self.options)
        status = self.library.nvrtcCompileProgram(program, len(self.options), options)
        log = None
        if status:
            size = ctypes.c_size_t()
            self.check(self.library.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
            text = ctypes.create_string_buffer(size.value)
            self.check(self.library.nvrtcGetProgramLog(program, text))
            log = text.value.decode(errors="replace") or f"NVRTC status {status}"
        self.check(self.library.nvrtcDestroyProgram(ctypes.byref(program)))
        return log

    @staticmethod
    def check(status: int) -> None:
        if status:
            raise RuntimeError(f"NVRTC returned status {status}")


def kernels() -> Iterator[tuple[str, str]]:
    """(kernel name, text) of every formula's value and first and second derivatives, in every type it has."""
    for name in formulas.names():
        info = formulas.info(name)
        differentiable = [j for j in range(info["arity"]) if info["differentiable"] >> j & 1]
        pairs = [(j, k) for j in differentiable for k in differentiable]
        for bit, dtype in enumerate(["float32", "float64", "int64"]):
            if not info["columns"] >> bit & 1:
                continue
            orders: list[int | tuple[int, int]] = [-1] if dtype == "int64" else [-1, *differentiable, *pairs]
            for order in orders:
                suffix = "" if order == -1 else f"_{order}" if isinstance(order, int) else f"_{order[0]}_{order[1]}"
                kernel = f"{name}_{dtype}{suffix}"
                try:
                    yield kernel, formulas.cuda_source(name, order, dtype, kernel)
                except NotImplementedError:  # openly refused: a special function without CUDA text
                    yield kernel, ""


def failures_of(nvrtc: Nvrtc, batch: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Kernels of a batch that do not compile, found one by one only where the whole does not."""
    prelude = formulas.cuda_prelude()
    if nvrtc.compile(prelude + "".join(text for _, text in batch)) is None:
        return []
    logs = [(kernel, nvrtc.compile(prelude + text)) for kernel, text in batch]
    return [(kernel, log) for kernel, log in logs if log is not None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="compute_90")
    arguments = parser.parse_args()
    path = find_nvrtc()
    if path is None:
        print("cuda_compile: no libnvrtc found; pip install nvidia-cuda-nvrtc", file=sys.stderr)
        return 2
    nvrtc = Nvrtc(path, arguments.architecture)
    given = list(kernels())
    everything = [(kernel, text) for kernel, text in given if text]
    failed = []
    for start in range(0, len(everything), BATCH):
        failed += failures_of(nvrtc, everything[start : start + BATCH])
    for kernel, log in failed:
        print(f"--- {kernel}\n{log}")
    refused = len(given) - len(everything)
    print(f"{len(everything)} kernels for {arguments.architecture}, {len(failed)} do not compile, {refused} refused")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
