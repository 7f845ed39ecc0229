"""Samplers: the order in which a loader visits a dataset.

They draw from the generators exactly what PyTorch's draw, in the same order, so the same seed visits the same samples.
"""

from __future__ import annotations

import itertools

import facula

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Sized
    from typing import Any

    from facula import Generator

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


class Sampler:
    """Base class: gives indices by ``__iter__``, and their number by ``__len__`` where it is known."""

    def __class_getitem__(cls, item: Any) -> type:
        return cls

    def __iter__(self) -> Iterator:
        raise NotImplementedError(f"{type(self).__name__} needs an __iter__ that gives indices")


class SequentialSampler(Sampler):
    """Every index once, in order.

    Args:
        data_source (sized): the dataset.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Indices in random order.

    Args:
        data_source (sized): the dataset.
        replacement (bool): draw each index independently. Default: False, a permutation.
        num_samples (int): how many to draw. Default: the length of the dataset.
        generator (Generator): where randomness comes from. Default: a new one, seeded from the global one each time.

    Raises:
        TypeError: ``replacement`` is not a bool.
        ValueError: ``num_samples`` is not a positive integer, as for an empty dataset.

    Example:
        >>> import facula as torch
        >>> sorted(torch.utils.data.RandomSampler(range(4)))
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many indices one pass gives; follows the dataset's length when it was not set."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def draw_generator(self) -> Generator:
        """The generator of one pass: the given one, or a new one whose seed is drawn from the global one."""
        if self.generator is not None:
            return self.generator
        generator = facula.Generator()
        generator.manual_seed(int(facula.empty((), dtype=facula.int64).random_().item()))
        return generator

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        generator = self.draw_generator()
        if self.replacement:
            # Blocks of 32: PyTorch's, and part of the sequence of draws.
            for _ in range(count // 32):
                yield from facula.randint(n, (32,), dtype=facula.int64, generator=generator).tolist()
            yield from facula.randint(n, (count % 32,), dtype=facula.int64, generator=generator).tolist()
        else:
            for _ in range(count // n):
                yield from facula.randperm(n, generator=generator).tolist()
            yield from facula.randperm(n, generator=generator).tolist()[: count % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in random order.

    Args:
        indices (sequence): what to sample from.
        generator (Generator): where randomness comes from. Default: the global one.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in facula.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn in proportion to weights.

    Args:
        weights (sequence of float): one for each index; they need not sum to one.
        num_samples (int): how many to draw.
        replacement (bool): an index may come again. Default: True.
        generator (Generator): where randomness comes from. Default: the global one.

    Raises:
        ValueError: no positive integer ``num_samples``, no bool ``replacement``, or weights that are not 1-d.

    Example:
        >>> import facula as torch
        >>> list(torch.utils.data.WeightedRandomSampler([0.0, 1.0], 3))
        [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = facula.as_tensor(weights, dtype=facula.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = facula.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of indices: the batches of another sampler.

    Args:
        sampler (Sampler or iterable): gives the single indices.
        batch_size (int): how many make a batch.
        drop_last (bool): leave out a last batch that is not full.

    Raises:
        ValueError: ``batch_size`` is not a positive integer or ``drop_last`` not a bool.

    Example:
        >>> import facula as torch
        >>> list(torch.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler | Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
