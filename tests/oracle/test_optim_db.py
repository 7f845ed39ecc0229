"""torch's own database of optimisers (optim_db): every set of options over some steps, every refused construction."""

from __future__ import annotations

import warnings

import pytest
import torch

import facula

common_optimizers = pytest.importorskip("torch.testing._internal.common_optimizers")


def inputs():
    for info in common_optimizers.optim_db:
        for i, item in enumerate(info.optim_inputs_func(device="cpu")):
            yield pytest.param(info.optim_cls.__name__, item.kwargs, id=f"{info.optim_cls.__name__}-{i}-{item.desc}")


def converted(value, made=None):
    """Options for facula; what is one tensor stays one."""
    made = {} if made is None else made
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            dtype = getattr(facula, str(value.dtype).split(".")[1])
            made[id(value)] = facula.tensor(value.detach().tolist(), dtype=dtype)
        return made[id(value)]
    if isinstance(value, (tuple, list)):
        return type(value)(converted(item, made) for item in value)
    if isinstance(value, dict):
        return {key: converted(item, made) for key, item in value.items()}
    return value


def train(p, name, options):
    """Some steps of a small regression; the losses."""
    p.manual_seed(0)
    x = p.linspace(-1, 1, 12, dtype=p.float64).reshape(6, 2)
    y = x.sin() @ p.tensor([[1.0], [-0.5]], dtype=p.float64)
    weight = p.nn.Parameter(p.tensor([[0.3, -0.2]], dtype=p.float64))
    optimizer = getattr(p.optim, name)([weight], **options)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = ((x @ weight.t() - y) ** 2).mean()
        loss.backward()
        return loss

    for _ in range(10):
        losses.append(float(optimizer.step(closure)))
    return losses


@pytest.mark.parametrize("name, options", list(inputs()))
def test_losses(name, options):
    if options.get("differentiable") or name == "SparseAdam":
        pytest.skip("not for leaves, or for sparse gradients only")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = train(torch, name, options)
    ours = train(facula, name, converted(options))
    # Muon works in bfloat16; torch keeps tensor learning rates in float32.
    assert ours == pytest.approx(theirs, rel=2e-2 if name == "Muon" else 1e-6)


def refused():
    for info in common_optimizers.optim_db:
        for i, error in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float32)):
            if error.error_on == common_optimizers.OptimizerErrorEnum.CONSTRUCTION_ERROR:
                yield pytest.param(info.optim_cls.__name__, error, id=f"{info.optim_cls.__name__}-{i}")


@pytest.mark.parametrize("name, error", list(refused()))
def test_refused_construction(name, error):
    item = error.optimizer_error_input
    if name == "SparseAdam" and ("sparse" in str(item.params) or "sparse" in error.error_regex.lower()):
        pytest.skip("sparse parameters")
    params, kwargs = converted(item.params), converted(item.kwargs)
    if error.error_type is UserWarning:
        with pytest.warns(UserWarning):
            getattr(facula.optim, name)(params, **kwargs)
        return
    with pytest.raises(error.error_type):
        getattr(facula.optim, name)(params, **kwargs)
