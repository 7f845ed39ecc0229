"""What an installation takes, on disk and in memory; that no layer calls uphill and nothing grew too long."""

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from facula import _C

TOOLS = Path(__file__).resolve().parent.parent / "tools"
MAX_RESIDENT_BYTES = 40_000_000
# glibc keeps some 1,600 bytes for the thread-local storage of libraries that a running program loads; all share them.
MAX_THREAD_LOCAL_BYTES = 128


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(_C._sanitized, reason="the sanitizers' own memory")
def test_memory_after_import():
    program = "import facula, os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"
    resident = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert resident <= MAX_RESIDENT_BYTES


@pytest.mark.skipif(_C._sanitized, reason="not what users install")
def test_installed_size():
    sizes = tool("sizes")
    installed = sizes.installed_bytes()
    if not installed:
        pytest.skip("facula is imported from a folder, not installed")
    assert sum(installed.values()) <= sizes.MAX_INSTALLED_BYTES, installed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF")
@pytest.mark.skipif(_C._sanitized, reason="the sanitizers' own storage")
def test_thread_local_storage():
    """What is reached without a call has to fit into what a process that loads the core late has left."""
    image = Path(_C.__file__).read_bytes()
    start, size, count = *struct.unpack_from("<Q", image, 32), *struct.unpack_from("<HH", image, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", image, start + i * size) for i in range(count)]
    (thread_local,) = [memory for kind, _, _, _, _, _, memory, _ in headers if kind == 7]  # PT_TLS
    assert thread_local <= MAX_THREAD_LOCAL_BYTES


def test_lines():
    sizes = tool("sizes")
    assert sizes.check_lines(sizes.ROOT) == []


def test_layers():
    layers = tool("layers")
    assert layers.check_core(layers.ROOT / "core") + layers.check_package(layers.ROOT / "src" / "facula") == []
