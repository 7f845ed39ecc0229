"""DistributedSampler against torch: the same indices for each process and epoch."""

import pytest
import torch
from torch.utils.data.distributed import DistributedSampler as Theirs

import facula
from facula.utils.data.distributed import DistributedSampler


@pytest.mark.parametrize("length", [1, 7, 8, 20])
@pytest.mark.parametrize("replicas", [1, 3, 4])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 5, "drop_last": True}])
def test_indices(length, replicas, options):
    for rank in range(replicas):
        both = [S(range(length), num_replicas=replicas, rank=rank, **options) for S in (DistributedSampler, Theirs)]
        for epoch in (0, 3):
            for sampler in both:
                sampler.set_epoch(epoch)
            assert list(both[0]) == list(both[1]) and len(both[0]) == len(both[1])


@pytest.mark.parametrize(
    "arguments", [{}, {"num_replicas": 2}, {"num_replicas": 2, "rank": 2}, {"num_replicas": 2, "rank": -1}]
)
def test_mistakes(arguments):
    for S in (DistributedSampler, Theirs):
        with pytest.raises(ValueError):
            S(range(4), **arguments)


def test_in_a_loader():
    told = []
    for p, S in ((facula, DistributedSampler), (torch, Theirs)):
        data = p.utils.data.TensorDataset(p.arange(10))
        loader = p.utils.data.DataLoader(data, batch_size=2, sampler=S(data, num_replicas=2, rank=1))
        told.append([batch[0].tolist() for batch in loader])
    assert told[0] == told[1]
