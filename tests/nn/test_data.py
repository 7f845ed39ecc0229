"""Datasets, samplers, collation and the loader; orders against torch where it is installed."""

import collections
import pickle
from itertools import chain

import pytest

import facula
from facula.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


class Squares(Dataset):
    """Indexable, without batched access."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return i * i


class Stream(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        return iter(range(self.start, self.end))

    def __len__(self):
        return self.end - self.start


def rows(n):
    return TensorDataset(facula.arange(n), facula.arange(n, dtype=facula.float32).reshape(n, 1) * 2)


def first_column(loader):
    return [batch[0].tolist() for batch in loader]


# --- datasets --------------------------------------------------------------------------------------------------------


def test_tensor_dataset():
    data = rows(4)
    assert len(data) == 4
    assert [x.tolist() for x in data[3]] == [3, [6.0]]
    with pytest.raises(AssertionError, match="Size mismatch"):
        TensorDataset(facula.zeros(2), facula.zeros(3))


def test_concat_and_subset():
    both = Squares(3) + Squares(2)
    assert [both[i] for i in range(5)] == [0, 1, 4, 0, 1]
    assert both[-1] == 1 and both.cumulative_sizes == [3, 5]
    with pytest.raises(ValueError, match="should not exceed dataset length"):
        both[-6]
    with pytest.raises(IndexError):
        both[5]
    with pytest.raises(AssertionError, match="empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        ConcatDataset([Stream(0, 1)])
    part = Subset(both, [4, 0])
    assert (len(part), part[0], part.__getitems__([1, 0])) == (2, 1, [0, 1])


def test_subset_subclass_needs_batched_access():
    class Doubled(Subset):
        def __getitem__(self, i):
            return 2 * super().__getitem__(i)

    with pytest.raises(NotImplementedError, match="__getitems__"):
        Doubled(Squares(3), [0, 1])


def test_stack_and_chain():
    assert StackDataset(Squares(3), Squares(3))[2] == (4, 4)
    assert StackDataset(x=Squares(3))[2] == {"x": 4}
    with pytest.raises(ValueError, match="Size mismatch"):
        StackDataset(Squares(3), Squares(2))
    with pytest.raises(ValueError, match="At least one"):
        StackDataset()
    both = Stream(0, 2) + Stream(5, 7)
    assert list(both) == [0, 1, 5, 6] and len(both) == 4
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([Squares(1)]))


def test_random_split():
    parts = random_split(range(10), [3, 7], generator=facula.Generator().manual_seed(42))
    assert sorted(i for part in parts for i in part.indices) == list(range(10))
    assert [len(p) for p in random_split(range(10), [0.55, 0.25, 0.2])] == [6, 2, 2]
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(range(10), [3, 6])
    with pytest.raises(ValueError, match="not between 0 and 1"):
        random_split(range(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(3), [1.0, 0.0])


def test_random_split_as_torch():
    torch = pytest.importorskip("torch")
    from torch.utils.data import random_split as torch_split

    for lengths in ([3, 7], [0.3, 0.3, 0.4]):
        ours = random_split(range(10), lengths, generator=facula.Generator().manual_seed(42))
        theirs = torch_split(range(10), lengths, generator=torch.Generator().manual_seed(42))
        assert [p.indices for p in ours] == [p.indices for p in theirs]


# --- samplers --------------------------------------------------------------------------------------------------------


def samplers(lib, generator):
    from importlib import import_module

    data = import_module(f"{lib.__name__}.utils.data")
    return {
        "sequential": data.SequentialSampler(range(5)),
        "random": data.RandomSampler(range(50), generator=generator),
        "more": data.RandomSampler(range(7), num_samples=17, generator=generator),
        "replacement": data.RandomSampler(range(9), replacement=True, num_samples=70, generator=generator),
        "subset": data.SubsetRandomSampler([3, 1, 4, 1, 5], generator=generator),
        "weighted": data.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 20, generator=generator),
        "weighted once": data.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 4, replacement=False, generator=generator),
        "batches": data.BatchSampler(data.RandomSampler(range(11), generator=generator), 3, True),
    }


@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("name", list(samplers(facula, None)))
def test_sampler_order_as_torch(name, own_generator):
    torch = pytest.importorskip("torch")
    orders = []
    for lib in (facula, torch):
        lib.manual_seed(5)
        generator = lib.Generator().manual_seed(6) if own_generator else None
        sampler = samplers(lib, generator)[name]
        orders.append((list(sampler), list(sampler), len(sampler), lib.rand(1).item()))
    assert orders[0] == orders[1]


def test_sampler_errors():
    with pytest.raises(TypeError, match="replacement should be a boolean"):
        RandomSampler(range(3), replacement=1)
    with pytest.raises(ValueError, match="num_samples should be a positive integer"):
        RandomSampler(range(3), num_samples=0)
    with pytest.raises(ValueError, match="num_samples=0"):
        RandomSampler([])
    with pytest.raises(ValueError, match="1d sequence"):
        WeightedRandomSampler([[1.0]], 1)
    with pytest.raises(ValueError, match="num_samples"):
        WeightedRandomSampler([1.0], True)
    for size in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="batch_size should be a positive integer"):
            BatchSampler(range(3), size, False)
    with pytest.raises(ValueError, match="drop_last should be a boolean"):
        BatchSampler(range(3), 2, 1)
    assert len(BatchSampler(range(5), 2, False)) == 3 and len(BatchSampler(range(5), 2, True)) == 2


# --- collation -------------------------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")


def test_collate_scalars_and_strings():
    ints, floats, bools = default_collate([1, 2]), default_collate([1.5, 2.0]), default_collate([True, False])
    assert (ints.dtype, floats.dtype, bools.dtype) == (facula.int64, facula.float64, facula.bool)
    assert floats.tolist() == [1.5, 2.0]
    assert default_collate(["a", "b"]) == ["a", "b"] and default_collate([b"a"]) == [b"a"]


def test_collate_containers():
    batch = default_collate([{"p": Point(1, [2.0]), "t": (facula.ones(2), "s")} for _ in range(3)])
    assert isinstance(batch["p"], Point) and batch["p"].x.tolist() == [1, 1, 1]
    assert batch["p"].y[0].tolist() == [2.0] * 3
    assert isinstance(batch["t"], list) and batch["t"][0].shape == (3, 2) and batch["t"][1] == ("s",) * 3
    ordered = default_collate([collections.OrderedDict(a=1), collections.OrderedDict(a=2)])
    assert type(ordered) is collections.OrderedDict


def test_collate_errors():
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([[1], [1, 2]])
    with pytest.raises(TypeError, match=r"must contain tensors.*object"):
        default_collate([object()])
    with pytest.raises(RuntimeError):
        default_collate([facula.zeros(2), facula.zeros(3)])


def test_collate_numpy():
    np = pytest.importorskip("numpy")
    arrays = default_collate([np.ones((2, 3), np.float32)] * 4)
    assert arrays.shape == (4, 2, 3) and arrays.dtype is facula.float32
    assert default_collate([np.float32(1.5)] * 2).dtype is facula.float32
    assert default_collate([np.int16(3)] * 2).tolist() == [3, 3]
    assert default_collate([np.bool_(True)]).tolist() == [True]
    assert default_collate([np.str_("a")]) == ["a"]
    with pytest.raises(TypeError, match="must contain tensors"):
        default_collate([np.array(["a"])])
    assert default_convert({"a": np.ones(2), "b": "x"})["a"].tolist() == [1.0, 1.0]
    assert default_convert((1, Point(np.float64(2.0), 3)))[1].x.item() == 2.0


def test_collate_as_torch():
    torch = pytest.importorskip("torch")
    from torch.utils.data import default_collate as torch_collate

    def plain(value):
        if hasattr(value, "tolist"):
            return (str(value.dtype).split(".")[-1], value.tolist())
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(*map(plain, value)) if hasattr(value, "_fields") else type(value)(map(plain, value))
        return value

    for make in (
        lambda lib: [1, 2],
        lambda lib: [1.0, 2.0],
        lambda lib: [(1, "a"), (2, "b")],
        lambda lib: [[1, 2], [3, 4]],
        lambda lib: [Point(lib.ones(2), 1), Point(lib.zeros(2), 2)],
        lambda lib: [{"a": [1, {"b": 2.0}]}, {"a": [3, {"b": 4.0}]}],
        lambda lib: [range(3), range(3)],
    ):
        assert plain(default_collate(make(facula))) == plain(torch_collate(make(torch)))


# --- loader ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("n", [10, 12])
@pytest.mark.parametrize("general", [False, True])
def test_shuffled_order_as_torch(n, drop_last, own_generator, general):
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader as TorchLoader
    from torch.utils.data import TensorDataset as TorchTensorDataset

    orders = []
    for lib, data, loader_type in ((facula, rows(n), DataLoader), (torch, None, TorchLoader)):
        if general:
            data = Squares(n)
        elif data is None:
            data = TorchTensorDataset(torch.arange(n))
        lib.manual_seed(3)
        generator = lib.Generator().manual_seed(4) if own_generator else None
        loader = loader_type(data, batch_size=4, shuffle=True, drop_last=drop_last, generator=generator)
        seen = []
        for _ in range(2):
            for batch in loader:
                seen.append((batch if general else batch[0]).tolist())
                # what the loop itself draws must not be disturbed either
                seen.append(lib.rand(1).item())
                if generator is not None:
                    seen.append(lib.rand(1, generator=generator).item())
        orders.append(seen)
    assert orders[0] == orders[1]


def test_batches_of_tensors():
    loader = DataLoader(rows(5), batch_size=2)
    batches = list(loader)
    assert len(loader) == 3 and isinstance(batches[0], list)
    assert [b[0].tolist() for b in batches] == [[0, 1], [2, 3], [4]]
    assert batches[2][1].tolist() == [[8.0]] and batches[0][1].dtype is facula.float32
    batches[0][0].fill_(9)
    assert first_column(loader)[0] == [0, 1], "a batch is a copy"
    assert first_column(DataLoader(rows(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]


def test_subsets_of_tensors():
    part = Subset(Subset(rows(10), range(1, 10, 2)), [4, 0, -1])
    assert first_column(DataLoader(part, batch_size=2)) == [[9, 1], [9]]
    assert sorted(chain(*first_column(DataLoader(part, batch_size=2, shuffle=True)))) == [1, 9, 9]
    with pytest.raises(IndexError):
        list(DataLoader(Subset(rows(3), [0, 3]), batch_size=2))


def test_samplers_with_tensors():
    assert first_column(DataLoader(rows(5), batch_size=2, sampler=[4, 0, -1])) == [[4, 0], [4]]
    assert first_column(DataLoader(rows(5), batch_sampler=[[0], [1, 2]])) == [[0], [1, 2]]
    assert first_column(DataLoader(rows(5), batch_sampler=[facula.tensor([3, 1])])) == [[3, 1]]
    sampler = SubsetRandomSampler([1, 3])
    assert sorted(first_column(DataLoader(rows(5), batch_size=2, sampler=sampler))[0]) == [1, 3]
    with pytest.raises(IndexError):
        list(DataLoader(rows(5), batch_size=2, sampler=[5]))


def test_tensor_dataset_subclass_is_asked():
    class Negated(TensorDataset):
        def __getitem__(self, i):
            return tuple(-x for x in super().__getitem__(i))

    assert first_column(DataLoader(Negated(facula.arange(3)), batch_size=3)) == [[0, -1, -2]]


def test_recorded_tensors_stay_recorded():
    x = facula.ones(3, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2)))
    batch.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


def test_custom_collate_and_no_batches():
    assert list(DataLoader(Squares(3), batch_size=2, collate_fn=tuple)) == [(0, 1), (4,)]
    assert list(DataLoader(Squares(3), batch_size=None)) == [0, 1, 4]
    assert [x[0].item() for x in DataLoader(rows(2), batch_size=None)] == [0, 1]
    assert [x.tolist() for x in DataLoader(Squares(4), batch_size=3)] == [[0, 1, 4], [9]]


def test_batched_access_is_used():
    class Batched(Squares):
        def __getitems__(self, indices):
            return [-i for i in indices]

    assert [x.tolist() for x in DataLoader(Batched(3), batch_size=2)] == [[0, -1], [-2]]


def test_iterable_dataset():
    loader = DataLoader(Stream(0, 5), batch_size=2)
    assert [x.tolist() for x in loader] == [[0, 1], [2, 3], [4]] and len(loader) == 3
    assert [x.tolist() for x in DataLoader(Stream(0, 5), batch_size=2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(0, 2), batch_size=None)) == [0, 1]


def test_iterable_dataset_longer_than_it_says():
    class Liar(Stream):
        def __len__(self):
            return 1

    loader = DataLoader(Liar(0, 2), batch_size=None)
    len(loader)
    with pytest.warns(UserWarning, match="was reported to be 1"):
        assert list(loader) == [0, 1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, "could only be specified in multiprocessing"),
        ({"num_workers": 1, "prefetch_factor": -1}, "prefetch_factor option should be non-negative"),
        ({"persistent_workers": True}, "needs num_workers > 0"),
        ({"multiprocessing_context": "fork"}, "num_workers > 0"),
        ({"multiprocessing_context": "nonsense", "num_workers": 1}, "valid start method"),
        ({"sampler": [0], "shuffle": True}, "mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "mutually exclusive with drop_last"),
        ({"batch_size": 0}, "batch_size should be a positive integer"),
        ({"dataset": Stream(0, 1), "shuffle": True}, "unspecified shuffle"),
        ({"dataset": Stream(0, 1), "sampler": [0]}, "unspecified sampler"),
        ({"dataset": Stream(0, 1), "batch_sampler": [[0]]}, "unspecified batch_sampler"),
    ],
)
def test_loader_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(**{"dataset": Squares(3), **arguments})


def test_loader_is_frozen_and_pickles():
    loader = DataLoader(Squares(3), batch_size=2)
    with pytest.raises(ValueError, match="should not be set after"):
        loader.batch_size = 3
    assert [x.tolist() for x in pickle.loads(pickle.dumps(loader))] == [[0, 1], [4]]
    with pytest.raises(NotImplementedError, match="cannot be pickled"):
        pickle.dumps(iter(loader))
    assert isinstance(loader.sampler, SequentialSampler) and isinstance(loader.batch_sampler, BatchSampler)


def test_an_error_in_a_sample_does_not_end_the_pass():
    class Holey(Squares):
        def __getitem__(self, i):
            if i == 1:
                raise KeyError("hole")
            return i

    for workers in (0, 2):
        batches = iter(DataLoader(Holey(3), num_workers=workers))
        assert next(batches).tolist() == [0]
        with pytest.raises(KeyError, match="hole"):
            next(batches)
        assert next(batches).tolist() == [2]
        with pytest.raises(StopIteration):
            next(batches)
