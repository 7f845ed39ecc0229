"""``python -m facula``: the demo, and what this installation is. Everything else is a library."""

from __future__ import annotations

import sys

_USAGE = """usage: python -m facula {demo,info} [options]

  demo    train a digit classifier, show how well it does, and read digits from image files
  info    print the version, the instruction set, the threads and the BLAS library

python -m facula demo --help explains the demo's options.
"""


def _info() -> int:
    import platform

    import facula

    print(f"facula   {facula.version._FACULA}, the interface of PyTorch {facula.__version__.partition('+')[0]}")
    print(f"Python   {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"ISA      {facula.backends.cpu.get_cpu_capability()}")
    print(f"threads  {facula.get_num_threads()}")
    print(f"BLAS     {_blas()}")
    print(f"CUDA     {'available' if facula.cuda.is_available() else 'not available'}")
    return 0


def _blas() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"OpenBLAS (scipy-openblas32 {version('scipy-openblas32')})"
    except PackageNotFoundError:
        return "not found: pip install scipy-openblas32"


def main(arguments: list[str]) -> int:
    """Run a subcommand.

    Args:
        arguments (list of str): the command line without the program.

    Returns:
        The exit status: 0, 2 for a wrong command line, 130 after Ctrl-C.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0
    command, *rest = arguments
    if command == "demo":
        from facula.demo.cli import main as demo

        return demo(rest)
    if command == "info" and not rest:
        return _info()
    wrong = f"unknown option {rest[0]!r} for info" if command == "info" else f"unknown command {command!r}"
    print(f"facula: error: {wrong} (choose from demo, info)", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
