"""The loader: goes through a dataset in batches, in the calling thread or ahead of it in workers.

Batches of a ``TensorDataset`` (or a ``Subset`` of one) with the default collation are gathered by one native call.
"""

from __future__ import annotations

import copy
import warnings

import facula
from facula._native import native
from facula.utils.data import collate as collation
from facula.utils.data.dataset import IterableDataset, Subset, TensorDataset
from facula.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from facula.utils.data.worker import ThreadPool, WorkerInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from facula import Generator, Tensor
    from facula.utils.data.dataset import Dataset
    from facula.utils.data.sampler import Sampler

__all__ = ["DataLoader"]


@native
def _gather_batch(tensors: list[Tensor], indices: Tensor) -> list[Tensor]:
    """Rows of every tensor at 1-d int64 indices, which may count from the end; IndexError for one out of range."""


class DataLoader:
    """Goes through a dataset in batches.

    Args:
        dataset (Dataset): indexable, or an :class:`IterableDataset`.
        batch_size (int or None): samples in a batch; None gives single samples. Default: 1.
        shuffle (bool): a new random order in each pass. Default: False.
        sampler (Sampler or iterable): the order, instead of ``shuffle``.
        batch_sampler (Sampler or iterable): lists of indices, instead of ``batch_size``, ``shuffle``, ``sampler`` and
            ``drop_last``.
        num_workers (int): workers that prepare batches ahead; 0 works in the calling thread. They are processes, and
            threads for a ``TensorDataset``, of which nothing runs in Python. Default: 0.
        collate_fn (callable): from a list of samples to a batch. Default: :func:`default_collate`.
        pin_memory (bool): accepted; without an accelerator it only warns. Default: False.
        drop_last (bool): leave out a last batch that is not full. Default: False.
        timeout (float): seconds to wait for a worker; 0 waits for ever. Default: 0.
        worker_init_fn (callable): called in each worker with its number.
        multiprocessing_context: how worker processes start (a method's name or a context), or ``"thread"`` for threads.
        generator (Generator): for ``shuffle`` and the seeds of the workers. Default: the global one.
        prefetch_factor (int): batches that each worker prepares ahead. Default: 2 with workers.
        persistent_workers (bool): keep the workers after a pass. Default: False.
        pin_memory_device (str): accepted.
        in_order (bool): accepted; batches come in order.

    Raises:
        ValueError: arguments that are out of range or exclude each other.

    Example:
        >>> import facula as torch
        >>> data = torch.utils.data.TensorDataset(torch.arange(5))
        >>> [batch.tolist() for (batch,) in torch.utils.data.DataLoader(data, batch_size=2)]
        [[0, 1], [2, 3], [4]]
    """

    _frozen = False
    _frozen_names = frozenset({"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"})

    def __class_getitem__(cls, item: Any) -> type:
        return cls

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler | Iterable[list] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.prefetch_factor = _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        _check_context(multiprocessing_context, num_workers)
        self._iterable = isinstance(dataset, IterableDataset)
        _check_order(self._iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        sized: Any = dataset  # not every dataset has a length; the samplers ask when they need it
        if batch_sampler is not None:
            batch_size = None
        elif not self._iterable:
            if sampler is None:
                sampler = RandomSampler(sized, generator=generator) if shuffle else SequentialSampler(sized)
            if batch_size is not None:
                batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        elif batch_size is not None:
            batch_sampler = BatchSampler(_Forever(), batch_size, drop_last)
        if sampler is None:
            sampler = _Forever() if self._iterable else SequentialSampler(sized)
        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        if collate_fn is None:
            collate_fn = collation.default_convert if batch_sampler is None else collation.default_collate
        self.collate_fn = collate_fn
        self._reported_length: int | None = None
        self._pool: Any = None
        self._frozen = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._frozen and name in self._frozen_names:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}

    def __iter__(self) -> Iterator[Any]:
        if self.pin_memory and not facula.cuda.is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used.",
                stacklevel=2,
            )
        return _Pass(self) if self.num_workers == 0 else _WorkerPass(self)

    def __len__(self) -> int:
        if not self._iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        length = self._reported_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> int | None:
    """Refuse contradictory worker arguments; returns the prefetch factor."""
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0:
        if prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if persistent_workers:
            raise ValueError("persistent_workers option needs num_workers > 0")
        return None
    if prefetch_factor is None:
        return 2
    if prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    return prefetch_factor


def _check_context(context: Any, num_workers: int) -> None:
    if context is None:
        return
    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
    import multiprocessing

    if context == "thread":
        return
    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {known!r}, but got "
                f"multiprocessing_context={context!r}"
            )
    elif not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got multiprocessing_context={context}"
        )


def _check_order(
    iterable: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Refuse arguments about the order that exclude each other."""
    if iterable:
        for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                )
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
    if batch_sampler is None and batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


class _Forever:
    """The sampler of iterable-style datasets: they have no indices, only an end."""

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 0


# --- from indices to a batch -----------------------------------------------------------------------------------------


class _Fetching:
    """How batches are made of a dataset, without the loader: it goes to worker processes."""

    def __init__(self, loader: DataLoader) -> None:
        self.iterable = loader._iterable
        self.batched = loader.batch_sampler is not None
        self.collate = loader.collate_fn
        self.drop_last = loader.drop_last

    def __call__(self, dataset: Any) -> Callable[[Any], Any]:
        return (_IterableFetcher if self.iterable else _Fetcher)(self, dataset)


class _Fetcher:
    """Fetches the batch (or sample) of an indexable dataset."""

    def __init__(self, how: _Fetching, dataset: Any) -> None:
        self.dataset = dataset
        self.batched = how.batched
        self.collate = how.collate

    def __call__(self, index: Any) -> Any:
        dataset = self.dataset
        if not self.batched:
            return self.collate(dataset[index])  # type: ignore[arg-type]
        fetch = getattr(dataset, "__getitems__", None)
        return self.collate(fetch(index) if fetch else [dataset[i] for i in index])


class _IterableFetcher:
    """Fetches the next batch (or sample) of an iterable-style dataset; StopIteration at its end."""

    def __init__(self, how: _Fetching, dataset: Any) -> None:
        self.samples: Iterator = iter(dataset)
        self.batched = how.batched
        self.collate = how.collate
        self.drop_last = how.drop_last
        self.ended = False

    def __call__(self, index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate(next(self.samples))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate(batch)


class _TensorFetcher:
    """Fetches a batch of rows of tensors in one native call.

    Indices come as an int64 tensor, or as a list, which anything but Python integers sends the general way.
    """

    def __init__(self, loader: DataLoader, tensors: list[Tensor], rows: Tensor | None) -> None:
        self.tensors = tensors
        self.rows = rows
        self.general = _Fetcher(_Fetching(loader), loader.dataset)

    def __call__(self, index: Any) -> Any:
        if not isinstance(index, facula.Tensor):
            if set(map(type, index)) != {int}:
                return self.general(index)
            index = facula.tensor(index, dtype=facula.int64)
        if self.rows is not None:
            index = _gather_batch([self.rows], index)[0]
        return list(_gather_batch(self.tensors, index))


def _tensor_fetcher(loader: DataLoader) -> _TensorFetcher | None:
    """A fetcher by native gathering, when that gives what the general way gives.

    Subclasses may index differently and rules of collation may have been replaced, so types have to match exactly.
    """
    rules = collation.default_collate_fn_map
    if loader.batch_sampler is None or loader.collate_fn is not collation.default_collate:
        return None
    if rules.get(facula.Tensor) is not collation._collate_tensors:
        return None
    dataset: Any = loader.dataset
    rows: Tensor | None = None
    while type(dataset) is Subset:
        indices = dataset.indices if type(dataset.indices) in (list, range, tuple) else ()
        if set(map(type, indices)) != {int}:
            return None
        inner = facula.tensor(list(indices), dtype=facula.int64)
        rows = inner if rows is None else _gather_batch([inner], rows)[0]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset:
        return None
    for tensor in dataset.tensors:
        # Rows that are recorded, on a device or of a subclass are stacked by the operations that know how.
        if type(tensor) is not facula.Tensor or tensor.requires_grad or not tensor.is_cpu or tensor.is_sparse:
            return None
    return _TensorFetcher(loader, list(dataset.tensors), rows)


def _index_tensors(sampler: Any) -> Iterator[Tensor] | None:
    """The batches of indices as slices of one tensor, for the two plain samplers; None for others."""
    base: Any = sampler.sampler if type(sampler) is BatchSampler else None
    kind = type(base)
    if kind not in (RandomSampler, SequentialSampler):
        return None
    if kind is RandomSampler and (base.replacement or base.num_samples != len(base.data_source)):
        return None
    return _slices(base, sampler.batch_size, sampler.drop_last)


def _slices(sampler: Any, batch_size: int, drop_last: bool) -> Iterator[Tensor]:
    n = len(sampler.data_source)
    generator = None
    if isinstance(sampler, RandomSampler):
        generator = sampler.draw_generator()
        order = facula.randperm(n, generator=generator)
    else:
        order = facula.arange(n, dtype=facula.int64)
    whole = n - n % batch_size
    for start in range(0, whole, batch_size):
        yield order[start : start + batch_size]
    if generator is not None:
        # RandomSampler draws one more permutation when it is asked for an index past the last: a generator that the
        # user gave has to be left in the same state.
        facula.randperm(n, generator=generator)
    if whole < n and not drop_last:
        yield order[whole:]


# --- one pass through the data ---------------------------------------------------------------------------------------


class _Pass:
    """An iterator over the batches of one pass, in the calling thread."""

    def __init__(self, loader: DataLoader) -> None:
        # The order of these two draws is PyTorch's: the seed of the pass at once, the permutation at the first batch.
        seed = facula.empty((), dtype=facula.int64).random_(generator=loader.generator)
        self._base_seed = int(seed.item())
        self._loader = loader
        self._count = 0
        self._reported_length = loader._reported_length
        sampler: Any = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
        self._indices: Iterator | None = None
        self._native = _tensor_fetcher(loader)
        if self._native is not None:
            self._indices = _index_tensors(sampler)
        if self._indices is None:
            self._indices = iter(sampler)
        self._fetch: Any = self._native
        if self._fetch is None and loader.num_workers == 0:
            self._fetch = _Fetching(loader)(loader.dataset)

    def __iter__(self) -> _Pass:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        batch = self._fetch(next(self._indices))  # type: ignore[arg-type]
        if self._loader._iterable:
            self._check_length()
        return batch

    def _check_length(self) -> None:
        self._count += 1
        reported = self._reported_length
        if reported is not None and self._count > reported:
            warnings.warn(
                f"Length of IterableDataset {self._loader.dataset} was reported to be {reported} (when accessing "
                f"len(dataloader)), but {self._count} samples have been fetched.",
                stacklevel=3,
            )

    def __getstate__(self) -> dict:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled; pickle the DataLoader instead")


class _WorkerPass(_Pass):
    """An iterator over the batches of one pass, prepared ahead by workers and given in order.

    Batch number i belongs to worker i modulo their number; an iterable-style dataset is read by every worker, and
    one that has come to its end leaves the round.
    """

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        self._pool: Any = loader._pool if loader.persistent_workers else None
        seeds = [self._base_seed + i for i in range(loader.num_workers)]
        if self._pool is None:
            self._pool = self._make_pool(seeds)
            if loader.persistent_workers:
                loader._pool = self._pool
        self._pool.begin(seeds)
        self._round = list(range(loader.num_workers))
        self._turn = 0
        self._pending: list[int] = []  # the worker of each batch under way, oldest first
        self._sampled_all = False
        for _ in range(max(1, loader.prefetch_factor or 0) * loader.num_workers):
            self._submit()

    def _make_pool(self, seeds: list[int]) -> Any:
        loader, context = self._loader, self._loader.multiprocessing_context
        native = self._native if context is None and loader.worker_init_fn is None else None
        threads = native is not None or context == "thread"
        infos = []
        for i, seed in enumerate(seeds):
            # A worker may set attributes of an iterable-style dataset to choose its share; a process has its own copy.
            dataset = copy.copy(loader.dataset) if loader._iterable and threads else loader.dataset
            infos.append(WorkerInfo(i, loader.num_workers, seed, dataset))
        how = _Fetching(loader)
        if threads:
            make_fetch = how if native is None else lambda _: native
            return ThreadPool(infos, make_fetch, loader.worker_init_fn, loader.timeout)
        import multiprocessing

        from facula.utils.data.process import ProcessPool

        if context is None or isinstance(context, str):
            default = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
            context = multiprocessing.get_context(context or default)
        return ProcessPool(infos, how, loader.worker_init_fn, loader.timeout, context)

    def _submit(self) -> None:
        if self._sampled_all or not self._round:
            return
        try:
            index = next(self._indices)  # type: ignore[arg-type]
        except StopIteration:
            self._sampled_all = True
            return
        worker = self._round[self._turn % len(self._round)]
        self._turn += 1
        self._pool.submit(worker, index)
        self._pending.append(worker)

    def __next__(self) -> Any:
        while self._pending:
            worker = self._pending.pop(0)
            try:
                batch = self._pool.result(worker)
            except StopIteration:
                if not self._loader._iterable:
                    raise
                self._leave(worker)
                self._submit()
                continue
            self._submit()
            if self._loader._iterable:
                self._check_length()
            return batch
        self._pool = None  # ends the workers, unless the loader keeps them
        raise StopIteration

    def _leave(self, worker: int) -> None:
        if worker in self._round:
            position = self._round.index(worker)
            turn = self._turn % len(self._round)
            self._round.remove(worker)
            self._turn = turn - 1 if turn > position else turn
