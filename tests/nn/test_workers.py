"""The loader's workers: order, seeds, shares of a stream, errors, memory, ends. Threads and processes alike."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from itertools import chain

import numpy as np
import pytest

import facula
from facula.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

KINDS = ("thread", "fork")


class Numbers(Dataset):
    """Sample i is make(i)."""

    def __init__(self, n, make=lambda i: i):
        self.n, self.make = n, make

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.make(i)


class Stream(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        return iter(range(self.start, self.end))


def loader(*args, kind, **kwargs):
    return DataLoader(*args, multiprocessing_context=kind, **kwargs)


def slow(i):
    time.sleep(0.01 * (i % 3 == 0))
    return i


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options", [{}, {"prefetch_factor": 1}, {"persistent_workers": True}, {"in_order": False}], ids=str
)
def test_order(kind, options):
    batches = loader(Numbers(13, slow), batch_size=2, num_workers=3, kind=kind, **options)
    for _ in range(2):
        assert list(chain(*(x.tolist() for x in batches))) == list(range(13))


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_alike(kind):
    def order(**options):
        facula.manual_seed(1)
        return [x.tolist() for x in DataLoader(Numbers(20), batch_size=3, shuffle=True, **options)]

    assert order() == order(num_workers=2, multiprocessing_context=kind)


def about_me(i):
    info = get_worker_info()
    return {"me": (info.id, info.num_workers, info.seed, (os.getpid(), threading.get_ident()), MARKS.get(info.id, 0))}


MARKS = {}


def mark(worker):
    MARKS[worker] = worker + 10


@pytest.mark.parametrize("kind", KINDS)
def test_workers_know_themselves(kind):
    MARKS.clear()
    batches = loader(
        Numbers(8, about_me), batch_size=None, num_workers=2, worker_init_fn=mark, collate_fn=dict, kind=kind
    )
    seen = [batch["me"] for batch in batches]
    assert [s[0] for s in seen] == [0, 1] * 4
    assert {s[1] for s in seen} == {2} and seen[1][2] == seen[0][2] + 1
    assert {s[4] for s in seen} == {10, 11}
    assert len({s[3] for s in seen}) == 2
    assert (os.getpid() in {s[3][0] for s in seen}) == (kind == "thread")
    assert MARKS == ({0: 10, 1: 11} if kind == "thread" else {})  # a process changes its own copy
    assert get_worker_info() is None


def test_which_workers():
    """Processes, but for a TensorDataset without code of the user's."""
    assert os.getpid() not in set(
        chain(*(x.tolist() for x in DataLoader(Numbers(3, lambda i: os.getpid()), num_workers=1)))
    )
    before = len(multiprocessing.active_children())
    batches = iter(DataLoader(TensorDataset(facula.arange(4)), num_workers=1))
    assert len(multiprocessing.active_children()) == before
    assert len(list(batches)) == 4


def share(worker):
    data = get_worker_info().dataset
    length, start = data.end - data.start, data.start
    data.start, data.end = start + worker * length // 2, start + (worker + 1) * length // 2


@pytest.mark.parametrize("kind", KINDS)
def test_streams(kind):
    data = Stream(3, 7)
    assert list(loader(data, batch_size=None, num_workers=2, kind=kind)) == [3, 3, 4, 4, 5, 5, 6, 6]
    assert list(loader(data, batch_size=None, num_workers=2, worker_init_fn=share, kind=kind)) == [3, 5, 4, 6]
    assert (data.start, data.end) == (3, 7)


class Uneven(IterableDataset):
    def __iter__(self):
        worker = get_worker_info().id
        return iter([worker * 10 + i for i in range(1 + 3 * worker)])


@pytest.mark.parametrize("kind", KINDS)
def test_streams_of_different_lengths(kind):
    batches = loader(Uneven(), batch_size=None, num_workers=3, persistent_workers=True, kind=kind)
    for _ in range(2):
        assert sorted(batches) == [0, *range(10, 14), *range(20, 27)]


# ---- seeds ----


def draws(i):
    return facula.rand(2).tolist(), random.random(), np.random.rand()


def torch_draws(i):
    import torch

    return torch.rand(2).tolist(), random.random(), np.random.rand()


def test_random_numbers_of_processes_are_torchs():
    torch = pytest.importorskip("torch")
    facula.manual_seed(5)
    ours = list(DataLoader(Numbers(6, draws), batch_size=None, num_workers=2))
    torch.manual_seed(5)
    theirs = list(torch.utils.data.DataLoader(Numbers(6, torch_draws), batch_size=None, num_workers=2))
    assert ours == theirs


# ---- what goes through ----


class Pair:
    def __init__(self, x):
        self.x = x


def mixed(i):
    return {
        "large": facula.full((100, 300), i, dtype=facula.float32),
        "strided": facula.arange(6).reshape(2, 3).t(),
        "half": facula.tensor([i], dtype=facula.bfloat16),
        "leaf": facula.ones(2, requires_grad=True),
        "empty": facula.empty(0, 3),
        "array": np.arange(50_000) + i,
        "text": "x" * i,
        "object": Pair(facula.tensor(i)),
    }


def test_batches_of_processes():
    for i, sample in enumerate(DataLoader(Numbers(4, mixed), batch_size=None, num_workers=2)):
        assert sample["large"].shape == (100, 300) and (sample["large"] == i).all()
        sample["large"].add_(1)  # memory of our own
        assert sample["strided"].tolist() == [[0, 3], [1, 4], [2, 5]]
        assert sample["half"].dtype is facula.bfloat16 and sample["half"].item() == i
        assert sample["leaf"].requires_grad and sample["leaf"].is_leaf
        assert sample["empty"].shape == (0, 3)
        assert (sample["array"] == np.arange(50_000) + i).all()
        assert sample["text"] == "x" * i and sample["object"].x.item() == i


def test_many_and_large_indices():
    """Longer than a pipe holds: neither side may wait for the other."""
    data = Numbers(60_000, lambda i: float(i))
    batches = DataLoader(data, batch_size=15_000, num_workers=1, prefetch_factor=4)
    assert [x[0].item() for x in batches] == [0, 15_000, 30_000, 45_000]


def test_started_anew():
    """Processes that inherit nothing: everything they need is pickled."""
    batches = loader(TensorDataset(facula.arange(4)), batch_size=2, num_workers=1, kind="spawn")
    assert [x.tolist() for (x,) in batches] == [[0, 1], [2, 3]]


# ---- errors and ends ----


def refuse(worker):
    raise OSError("no such device")


class Own(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def fail(i):
    raise (KeyError("hole"), ValueError("bad sample"), Own(1, 2))[i]


@pytest.mark.parametrize("kind", KINDS)
def test_errors(kind):
    with pytest.raises(OSError, match="no such device"):
        list(loader(Numbers(3), num_workers=1, worker_init_fn=refuse, kind=kind))
    batches = iter(loader(Numbers(3, fail), num_workers=2, kind=kind))
    for error, text in ((KeyError, "hole"), (ValueError, "bad sample"), (Exception, "1")):
        with pytest.raises(error, match=text) as caught:
            next(batches)
        if kind == "fork":
            assert "in DataLoader worker process" in str(caught.value) and "in fail" in str(caught.value)
    with pytest.raises(StopIteration):
        next(batches)


@pytest.mark.parametrize("kind", KINDS)
def test_timeout(kind):
    with pytest.raises(RuntimeError, match="timed out after"):
        next(iter(loader(Numbers(1, lambda i: time.sleep(0.5)), num_workers=1, timeout=0.05, kind=kind)))


def test_what_cannot_be_sent_is_an_error():
    with pytest.raises(Exception, match="pickle"):
        next(iter(DataLoader(Numbers(1, lambda i: lambda: i), batch_size=None, num_workers=1)))


def test_a_worker_that_dies():
    batches = iter(DataLoader(Numbers(2, lambda i: os.kill(os.getpid(), signal.SIGKILL)), num_workers=1))
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        next(batches)


@pytest.mark.parametrize("kind", KINDS)
def test_workers_end(kind):
    def workers():
        return {t for t in threading.enumerate() if t.name.startswith("facula-data")} | set(
            multiprocessing.active_children()
        )

    before = workers()
    batches = iter(loader(Numbers(100), num_workers=2, kind=kind))
    next(batches)
    assert workers() - before
    del batches
    gc.collect()
    deadline = time.monotonic() + 5
    while workers() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not workers() - before


@pytest.mark.parametrize("kind", KINDS)
def test_persistent_workers_after_a_broken_pass(kind):
    batches = loader(Numbers(9, lambda i: i * i), num_workers=2, persistent_workers=True, kind=kind)
    next(iter(batches))
    assert [x.item() for x in batches] == [i * i for i in range(9)]


def open_files():
    return len(os.listdir("/proc/self/fd"))


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_grows():
    batches = DataLoader(Numbers(8, lambda i: facula.ones(100_000)), batch_size=2, num_workers=2)

    def epochs(n):
        for _ in range(n):
            for _ in batches:
                pass
        gc.collect()
        return open_files(), resident()

    files, memory = epochs(3)
    more_files, more_memory = epochs(10)
    assert more_files <= files and more_memory < memory + 3_000_000


def test_interrupt():
    """Ctrl-C ends the program and its workers, at once and without noise from them."""
    program = """
        import os, signal, threading, time
        import facula as torch
        signal.signal(signal.SIGINT, signal.default_int_handler)

        class Data(torch.utils.data.Dataset):
            def __len__(self):
                return 1000
            def __getitem__(self, i):
                time.sleep(0.01)
                return i

        batches = iter(torch.utils.data.DataLoader(Data(), num_workers=2))
        next(batches)
        threading.Timer(0.1, os.killpg, (0, signal.SIGINT)).start()
        try:
            for _ in batches:
                pass
        except KeyboardInterrupt:
            print("interrupted")
    """
    start = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
    )
    assert run.returncode == 0 and run.stdout == "interrupted\n" and run.stderr == ""
    assert time.monotonic() - start < 20
