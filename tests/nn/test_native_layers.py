"""What the native layers refuse, before anything is read or written out of bounds."""

from __future__ import annotations

import pytest

import facula

F = facula.nn.functional
_TABLE = facula.ones(3, 2)


@pytest.mark.parametrize("index", [-1, 3])
def test_embedding_bag_refuses_rows_that_are_not_there(index):
    with pytest.raises(RuntimeError, match=rf"takes value {index} which is not in the valid range \[0, 3\)"):
        F.embedding_bag(facula.tensor([0, index]), _TABLE, facula.tensor([0]))


@pytest.mark.parametrize("offsets", [[0, 2, 1], [0, 4], [1], [0, -1]])
def test_embedding_bag_refuses_offsets(offsets):
    with pytest.raises(RuntimeError, match="offsets"):
        F.embedding_bag(facula.tensor([0, 1, 2]), _TABLE, facula.tensor(offsets))


@pytest.mark.parametrize("label", [-1, 4])
def test_ctc_loss_refuses_labels_that_are_no_classes(label):
    with pytest.raises(RuntimeError, match="is not a class"):
        F.ctc_loss(facula.zeros(5, 1, 4), facula.tensor([[1, label]]), (5,), (2,))


def test_ctc_loss_has_no_second_derivative():
    x = facula.zeros(5, 1, 4, requires_grad=True)
    (g,) = facula.autograd.grad(F.ctc_loss(x, facula.tensor([[1]]), (5,), (1,)), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="_ctc_loss_backward"):
        facula.autograd.grad(g.sum(), x)


def test_impossible_labels_make_a_gradient_of_nan_or_of_zero():
    x = facula.zeros(2, 1, 4, requires_grad=True)
    for zero_infinity in (False, True):
        loss = F.ctc_loss(x, facula.tensor([[1, 1]]), (2,), (2,), zero_infinity=zero_infinity)
        (g,) = facula.autograd.grad(loss, x)
        assert g.isnan().all().item() is not zero_infinity
        assert loss.item() == (0.0 if zero_infinity else float("inf"))


def test_fold_and_unfold_refuse_what_does_not_fit():
    with pytest.raises(RuntimeError, match="sliding blocks"):
        F.fold(facula.ones(1, 4, 5), (3, 3), 2)
    with pytest.raises(RuntimeError, match="at least one"):
        F.unfold(facula.ones(1, 1, 2, 2), 3)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialiasing_refuses_half_types(mode):
    with pytest.raises(NotImplementedError, match="not implemented for 'Half'"):
        F.interpolate(facula.ones(1, 1, 4, 4, dtype=facula.float16), size=2, mode=mode, antialias=True)
