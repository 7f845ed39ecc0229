"""The thread pool and the allocator through the public API: settings, forks, several Python threads, a clean exit."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import pytest

import facula as torch
from facula import _C


@pytest.fixture(autouse=True)
def keep_thread_count():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def run_python(code, **environment):
    """Runs a program in a fresh interpreter and returns its output."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def work():
    """Calls that take the pool: a pointwise one, a reduction, a product and a random fill."""
    x = torch.arange(200_000, dtype=torch.float32).reshape(400, 500) / 1e5
    torch.manual_seed(0)
    return [(x * 2 + 1).sum().item(), (x @ x.t()).sum().item(), torch.randn(50_000).sum().item()]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_set_num_threads_is_reported_and_changes_no_result(count):
    torch.set_num_threads(1)
    expected = work()
    torch.set_num_threads(count)
    assert torch.get_num_threads() == count
    assert work() == expected


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(count):
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_threads(count)
    assert torch.get_num_threads() == before


def test_environment_sets_the_count():
    show = "import facula as torch; print(torch.get_num_threads())"
    assert run_python(show, FACULA_NUM_THREADS="3", OMP_NUM_THREADS="5") == "3"
    assert run_python(show, FACULA_NUM_THREADS="", OMP_NUM_THREADS="5") == "5"
    assert run_python(show, FACULA_NUM_THREADS="none", OMP_NUM_THREADS="4,2") == "4"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity calls")
def test_affinity_limits_the_count():
    show = """
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import facula as torch
        print(torch.get_num_threads())
    """
    assert run_python(show, FACULA_NUM_THREADS="", OMP_NUM_THREADS="") == "1"


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs /proc")
def test_import_starts_no_thread_and_loads_no_blas():
    show = """
        import os
        import facula
        print(len(os.listdir("/proc/self/task")), "openblas" in open("/proc/self/maps").read())
    """
    assert run_python(show) == "1 False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_computes_the_same():
    show = """
        import os, warnings
        warnings.simplefilter("ignore")
        import facula as torch
        torch.set_num_threads(4)
        x = torch.arange(400_000, dtype=torch.float32).reshape(400, 1000)
        expected = [(x + 1).sum().item(), (x @ x.t()).sum().item()]
        for _ in range(5):
            child = os.fork()
            if child == 0:
                same = [(x + 1).sum().item(), (x @ x.t()).sum().item()] == expected
                os._exit(0 if same else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert [(x + 1).sum().item(), (x @ x.t()).sum().item()] == expected
        print("done")
    """
    assert run_python(show) == "done"


def test_several_python_threads_compute_at_once():
    torch.set_num_threads(3)
    x = torch.arange(200_000, dtype=torch.float32).reshape(400, 500) / 1e5
    expected = [(x * 2 + 1).sum().item(), (x @ x.t()).sum().item()]
    failures = []

    def loop():
        for _ in range(20):
            if [(x * 2 + 1).sum().item(), (x @ x.t()).sum().item()] != expected:
                failures.append(threading.get_ident())

    threads = [threading.Thread(target=loop) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_memory_may_be_freed_by_another_thread_than_the_one_that_took_it():
    box = []

    def fill():
        box.extend(torch.full((size,), float(size)) for size in range(1, 2000))

    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
    assert all(t[-1].item() == size for size, t in enumerate(box, start=1))
    thread = threading.Thread(target=box.clear)
    thread.start()
    thread.join()
    assert torch.full((10,), 3.0).tolist() == [3.0] * 10


def test_exit_with_running_daemon_threads_is_clean():
    run_python("""
        import threading
        import facula as torch
        torch.set_num_threads(4)
        x = torch.ones(500, 500)
        def loop():
            while True:
                x @ x
        for _ in range(3):
            threading.Thread(target=loop, daemon=True).start()
        (x @ x).sum()
    """)


@pytest.mark.parametrize("count", [10**15, 2**62])
def test_an_impossible_size_is_refused(count):
    with pytest.raises((RuntimeError, MemoryError)):
        torch.empty(count)
    assert torch.ones(3).sum().item() == 3


@pytest.mark.skipif(_C._sanitized, reason="the sanitizers need more addresses than a limit leaves")
def test_what_fails_in_a_thread_reaches_the_caller():
    """Work space that cannot be had is an error of the call; the pool goes on."""
    code = """
        import resource
        import facula as torch

        torch.set_num_threads(2)
        x = torch.eye(1500, dtype=torch.float64).repeat(4, 1, 1)

        def limit(extra):  # MiB more than there is now
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (extra << 20), resource.RLIM_INFINITY))

        torch.linalg.svd(x[:, :300, :300])  # BLAS has its own memory by now, for both threads
        limit(200)  # enough for the results, 54 MB each with the copy of x; each matrix asks for 72 MB besides
        for _ in range(2):
            try:
                torch.linalg.svd(x[:3])
            except RuntimeError as error:
                print("can't allocate memory" in str(error), end=" ")
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print((torch.ones(1 << 20) + 1).sum().item() == 2 << 20)
    """
    assert run_python(code) == "True True True"
