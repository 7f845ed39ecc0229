"""Views against live torch: sharing, versions, and in-place writes through views with autograd (CopySlices)."""

from __future__ import annotations

import pytest
import torch
from compare import call, node_name, numbers

import facula

PACKAGES = (facula, torch)

# Views of a (3, 4) tensor.
VIEWS = {
    "select": lambda x: x[1],
    "column": lambda x: x[:, 2],
    "slice": lambda x: x[1:, ::2],
    "transpose": lambda x: x.t(),
    "flat": lambda x: x.view(-1),
    "diagonal": lambda x: x.diagonal(),
    "nested": lambda x: x.t()[1:3][:, 0],
    "narrow": lambda x: x.narrow(1, 1, 2),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "as_strided": lambda x: x.as_strided((2, 2), (5, 1), 1),
    "all": lambda x: x[:],
}
WRITES = {
    "mul_": lambda v: v.mul_(3.0),
    "add_": lambda v: v.add_(1.0),
    "exp_": lambda v: v.exp_(),
    "tanh_": lambda v: v.tanh_(),
    "zero_": lambda v: v.zero_(),
    "copy_": lambda v: v.copy_(v.detach() * 0 + 5.0),
    "fill": lambda v: v.fill_(2.0),
    "square": lambda v: v.mul_(v.clone()),
    "setitem": lambda v: v.__setitem__(0, 7.0),
    "masked_fill_": lambda v: v.masked_fill_(v > 0, 4.0),
    "clamp_": lambda v: v.clamp_(-0.5, 0.5),
    "relu_": lambda v: v.relu_(),
}


def data(package, requires_grad=False):
    values = [[0.5, -1.0, 2.0, 0.25], [1.5, -0.75, -2.0, 1.0], [0.1, 0.2, -0.3, 0.4]]
    return package.tensor(values, dtype=package.float64, requires_grad=requires_grad)


def same(ours, theirs):
    assert abs(numbers(ours) - numbers(theirs)).max(initial=0) < 1e-12


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", WRITES)
def test_write_through_view_with_autograd(view, write):
    """Leaf, a computed base, a view of it, written; value, gradient and grad_fn of base and view."""
    outcomes = []
    for package in PACKAGES:
        leaf = data(package, True)
        base = leaf * 2.0
        part = VIEWS[view](base)
        WRITES[write](part)
        value = base.detach().clone()
        ramp = package.arange(1, 13, dtype=package.float64).reshape(3, 4)
        ((base * ramp).sum() + (part * part).sum()).backward()
        outcomes.append((value, leaf.grad, node_name(base), part._is_view(), part._base is base, base._version))
    ours, theirs = outcomes
    same(ours[0], theirs[0])
    same(ours[1], theirs[1])
    assert ours[2:] == theirs[2:]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", WRITES)
def test_write_base_then_read_view(view, write):
    """A view taken before its base is written has the base's new history."""
    outcomes = []
    for package in PACKAGES:
        leaf = data(package, True)
        base = leaf * 2.0
        part = VIEWS[view](base)
        WRITES[write](base)
        (part * part).sum().backward()
        outcomes.append((part.detach().clone(), leaf.grad, node_name(part)))
    ours, theirs = outcomes
    same(ours[0], theirs[0])
    same(ours[1], theirs[1])


def test_write_into_constant_base_through_view_makes_it_differentiable():
    for package in PACKAGES:
        base = package.zeros(3, 4, dtype=package.float64)
        x = data(package, True)
        part = base[1]
        part.copy_(x[0] * 2)
        base[2] = x[1]
        assert base.requires_grad and node_name(base) == "CopySlices" and base.grad_fn is not None
        (base * base).sum().backward()
        expected = [[8 * v for v in (0.5, -1.0, 2.0, 0.25)], [2 * v for v in (1.5, -0.75, -2.0, 1.0)], [0.0] * 4]
        assert x.grad.tolist() == expected


def test_versions_are_shared():
    for package in PACKAGES:
        x = package.zeros(3)
        v, d = x[1:], x.detach()
        v.add_(1)
        assert (x._version, v._version, d._version) == (1, 1, 1)
        d.add_(1)
        x.zero_()
        assert (x._version, v._version, d._version) == (3, 3, 3)
        assert x.data._version == 0 and x.clone()._version == 0


def test_data_shares_memory_without_version():
    for package in PACKAGES:
        x = package.ones(2, requires_grad=True)
        y = x * x
        x.data.mul_(3)
        y.sum().backward()
        assert x.tolist() == [3.0, 3.0] and x.grad.tolist() == [6.0, 6.0]


REFUSED = {
    "leaf": lambda p: p.ones(3, requires_grad=True).mul_(2),
    "view of leaf": lambda p: p.ones(3, requires_grad=True)[0].mul_(2),
    "output of unbind": lambda p: (p.ones(3, 2, requires_grad=True) * 1).unbind()[0].mul_(2),
    "output of split": lambda p: (p.ones(4, requires_grad=True) * 1).split(2)[0].mul_(2),
    "output of chunk": lambda p: (p.ones(4, requires_grad=True) * 1).chunk(2)[0].mul_(2),
    "expanded": lambda p: p.ones(3, 1).expand(3, 2).mul_(2),
    "no_grad view": lambda p: view_made_without_grad(p).mul_(2),
    "saved": lambda p: changed_after_saving(p).backward(),
    "saved through view": lambda p: changed_after_saving(p, lambda y: y[0:1]).backward(),
    "detached view of saved": lambda p: changed_after_saving(p, lambda y: y.detach()).backward(),
}


def view_made_without_grad(package):
    base = package.ones(3, requires_grad=True) * 1
    with package.no_grad():
        return base[1:]


def changed_after_saving(package, view=lambda y: y):
    x = package.ones(3, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    view(y).mul_(3)
    return z


@pytest.mark.parametrize("case", REFUSED)
def test_refused_writes(case):
    (_, ours), (_, theirs) = (call(REFUSED[case], package) for package in PACKAGES)
    if theirs is None:
        pytest.fail("torch accepts")
    assert isinstance(ours, RuntimeError), f"{ours!r}; torch: {theirs!r}"


def test_modified_message_names_tensor_operation_and_version():
    with pytest.raises(
        RuntimeError, match=r"(?s)modified by an inplace operation.*\[3\].*version 1.*expected version 0"
    ):
        changed_after_saving(facula).backward()


def test_inplace_on_saved_result_that_is_not_needed():
    """relu saves its result, add saves nothing: writing over an input of them is allowed."""
    for package in PACKAGES:
        x = package.tensor([1.0, -2.0], requires_grad=True)
        y = x * 1
        z = y.relu_()
        w = z + 1
        w.mul_(2)
        w.sum().backward()
        assert x.grad.tolist() == [2.0, 0.0]


def test_retain_grad_before_in_place():
    for package in PACKAGES:
        x = package.ones(2, requires_grad=True)
        y = x * 2
        y.retain_grad()
        y.mul_(3)
        y.sum().backward()
        assert y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [6.0, 6.0]


def test_detach_in_place_and_requires_grad():
    for package in PACKAGES:
        y = package.ones(2, requires_grad=True) * 2
        y.detach_()
        assert y.grad_fn is None and not y.requires_grad and y.is_leaf


def test_out_into_view():
    for package in PACKAGES:
        x = package.zeros(2, 3)
        package.add(package.ones(3), 2, out=x[1])
        assert x.tolist() == [[0, 0, 0], [3, 3, 3]]
        package.mul(x[1], 2, out=x[1])
        assert x.tolist() == [[0, 0, 0], [6, 6, 6]]


def test_overlapping_copies():
    for package in PACKAGES:
        x = package.arange(6)
        x[1:].copy_(x[:-1].clone())
        assert x.tolist() == [0, 0, 1, 2, 3, 4]


def test_nested_views_share_one_base():
    for package in PACKAGES:
        x = package.zeros(4, 4)
        v = x[1:][:, 1:].t()[0]
        assert v._base is x and x[0]._base is x and x._base is None and x.clone()._base is None
        assert x.expand(2, 4, 4)._is_view() and not (x + 0)._is_view()


# Calls that may have nothing to do: PyTorch gives the operand itself from some and a new object from others.
NOTHING_TO_DO = {
    "einsum": lambda m, x: m.einsum("ij->ij", x),
    "einsum of an ellipsis": lambda m, x: m.einsum("...", x),
    "atleast_1d": lambda m, x: m.atleast_1d(x),
    "atleast_2d": lambda m, x: m.atleast_2d(x),
    "movedim": lambda m, x: m.movedim(x, 0, 0),
    "permute": lambda m, x: x.permute(0, 1),
    "transpose": lambda m, x: x.transpose(1, 1),
    "swapaxes": lambda m, x: x.swapaxes(0, 0),
    "reshape": lambda m, x: x.reshape(3, 4),
    "view": lambda m, x: x.view(3, 4),
    "view_as": lambda m, x: x.view_as(x),
    "expand": lambda m, x: x.expand(3, 4),
    "broadcast_to": lambda m, x: m.broadcast_to(x, (3, 4)),
    "broadcast_tensors": lambda m, x: m.broadcast_tensors(x, x)[0],
    "broadcast_tensors, one longer": lambda m, x: m.broadcast_tensors(x, x[None])[0],
    "flatten": lambda m, x: m.flatten(x, 0, 0),
    "ravel": lambda m, x: x.ravel(),
    "squeeze": lambda m, x: x.squeeze(),
    "squeeze of a dimension": lambda m, x: x.squeeze(0),
    "contiguous": lambda m, x: x.contiguous(),
    "positive": lambda m, x: m.positive(x),
    "real": lambda m, x: m.real(x),
    "conj": lambda m, x: x.conj(),
    "resolve_conj": lambda m, x: x.resolve_conj(),
    "chunk": lambda m, x: x.chunk(1)[0],
    "tensor_split": lambda m, x: m.tensor_split(x, 1)[0],
    "cartesian_prod": lambda m, x: m.cartesian_prod(x[0]),
    "flip": lambda m, x: x.flip(()),
    "roll": lambda m, x: m.roll(x, 0, 0),
    "rot90": lambda m, x: m.rot90(x, 0),
    "tile": lambda m, x: m.tile(x, (1,)),
    "unflatten": lambda m, x: x.unflatten(0, (3,)),
    "diff": lambda m, x: m.diff(x, n=0),
    "cat": lambda m, x: m.cat([x]),
    "to": lambda m, x: x.to(x.dtype),
    "type_as": lambda m, x: x.type_as(x),
    "double": lambda m, x: x.double(),
    "cpu": lambda m, x: x.cpu(),
    "ellipsis": lambda m, x: x[...],
    "no index": lambda m, x: x[()],
    "sum_to_size": lambda m, x: x.sum_to_size(3, 4),
    "nan_to_num": lambda m, x: m.nan_to_num(x),
    "dropout": lambda m, x: m.nn.functional.dropout(x, 0.5, False),
    "pad": lambda m, x: m.nn.functional.pad(x, (0, 0)),
    "pad of nothing": lambda m, x: m.nn.functional.pad(x, ()),
    "pad by reflection": lambda m, x: m.nn.functional.pad(x, (0, 0), "reflect"),
    "interpolate": lambda m, x: m.nn.functional.interpolate(x[None], size=4)[0],
    "adaptive_avg_pool1d": lambda m, x: m.nn.functional.adaptive_avg_pool1d(x, 4),
    "adaptive_max_pool1d": lambda m, x: m.nn.functional.adaptive_max_pool1d(x, 4),
    "adaptive_avg_pool2d": lambda m, x: m.nn.functional.adaptive_avg_pool2d(x[None], (3, 4))[0],
    "avg_pool1d": lambda m, x: m.nn.functional.avg_pool1d(x, 1),
    "channel_shuffle": lambda m, x: m.nn.functional.channel_shuffle(x.reshape(1, 3, 2, 2), 1),
    "pixel_shuffle": lambda m, x: m.nn.functional.pixel_shuffle(x.reshape(1, 3, 2, 2), 1),
    "pixel_unshuffle": lambda m, x: m.nn.functional.pixel_unshuffle(x.reshape(1, 3, 2, 2), 1),
    "identity": lambda m, x: m.nn.Identity()(x),
}


@pytest.mark.parametrize("case", NOTHING_TO_DO)
def test_what_has_nothing_to_do_gives_the_operand_a_view_or_a_copy(case):
    seen = []
    for package in PACKAGES:
        x = data(package)
        y = NOTHING_TO_DO[case](package, x)
        before = y.clone()
        x.add_(1.0)
        seen.append((y is x, bool((y != before).any()), tuple(y.shape)))
    assert seen[0] == seen[1]
