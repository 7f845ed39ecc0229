"""torch.__config__: how this build was made and how many threads it uses, as text."""

from __future__ import annotations


def show() -> str:
    """The version, the instruction set of the kernels and the devices.

    Example:
        >>> import facula
        >>> facula.__config__.show().startswith("facula")
        True
    """
    import facula

    return (
        f"facula built with:\n  - version {facula.__version__}\n"
        f"  - CPU capability usage: {facula.backends.cpu.get_cpu_capability()}\n"
        "  - LAPACK is OpenBLAS (scipy-openblas32)\n  - devices: CPU\n"
    )


def parallel_info() -> str:
    """The number of threads."""
    import facula

    return f"facula/Parallel:\n\tget_num_threads() : {facula.get_num_threads()}\n\tone pool of threads of our own\n"
