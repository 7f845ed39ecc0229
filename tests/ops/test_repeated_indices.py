"""Writes by index where indices repeat: the last one wins, for large writes and any number of threads, and a bad index
leaves everything as it was."""

from __future__ import annotations

import pytest

import facula as torch

N = 1 << 17


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def last_writers(index, size):
    """The position of the last write to each place, -1 where there is none."""
    writers = [-1] * size
    for position, place in enumerate(index):
        writers[place] = position
    return torch.tensor(writers)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.int32, torch.float64, torch.complex128])
def test_the_last_write_wins(threads, dtype):
    torch.manual_seed(0)
    size = 1000
    index, values = torch.randint(size, (N,)), torch.randint(100, (N,)).to(dtype)
    expected = values[last_writers(index.tolist(), size)]
    assert torch.equal(torch.zeros(size, dtype=dtype).index_copy_(0, index, values), expected)
    assert torch.equal(torch.zeros(size, dtype=dtype).index_put_((index - size,), values), expected)
    rows, columns = index // 10, index % 10
    assert torch.equal(torch.zeros(100, 10, dtype=dtype).index_put_((rows, columns), values).flatten(), expected)


@pytest.mark.parametrize("place", [0, N // 2, N - 1])
def test_a_bad_index_changes_nothing(threads, place):
    index = torch.zeros(N, dtype=torch.int64)
    index[place] = 4
    x, ones = torch.zeros(4), torch.ones(N)
    writes = [
        lambda: x.index_copy_(0, index, ones),
        lambda: x.index_put_((index,), ones),
        lambda: x.scatter_(0, index, ones),
        lambda: x.scatter_add_(0, index, ones),
        lambda: x.index_add_(0, index, ones),
        lambda: torch.gather(x, 0, index),
        lambda: torch.gather(x.expand(2, 4), 1, index.expand(2, N)),
        lambda: torch.gather(x, 0, -index),
        lambda: x.take(index),
    ]
    for write in writes:
        with pytest.raises((IndexError, RuntimeError)):
            write()
    assert not x.any()
