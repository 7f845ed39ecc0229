"""DistributedSampler: the share of a data set that one of several processes sees."""

from __future__ import annotations

import math

import facula

from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """Every ``num_replicas``-th index, beginning with the ``rank``-th, of an order that all processes agree on.

    Args:
        dataset (Dataset): has a length.
        num_replicas (int): how many processes there are; it must be given: facula has no process group to ask.
        rank (int): which of them this is, from 0.
        shuffle (bool): another order in each epoch; call :meth:`set_epoch` before it. Default: True.
        seed (int): the same in all processes. Default: 0.
        drop_last (bool): leave the tail out instead of repeating indices to make it even. Default: False.

    Raises:
        ValueError: ``num_replicas`` or ``rank`` is missing, or the rank is not among the replicas.

    Example:
        >>> from facula.utils.data.distributed import DistributedSampler
        >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise ValueError(
                "Default process group has not been initialized, and there is none here: give num_replicas and rank"
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        length = len(dataset)
        if drop_last and length % num_replicas:
            self.num_samples = math.ceil((length - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(length / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self):
        indices = self._order()
        if self.drop_last:
            indices = indices[: self.total_size]
        elif missing := self.total_size - len(indices):
            indices += (indices * math.ceil(missing / len(indices)))[:missing]
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def _order(self) -> list[int]:
        if not self.shuffle:
            return list(range(len(self.dataset)))
        generator = facula.Generator()
        generator.manual_seed(self.seed + self.epoch)
        return facula.randperm(len(self.dataset), generator=generator).tolist()

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; all processes give the same number.

        Args:
            epoch (int): its number.
        """
        self.epoch = epoch
