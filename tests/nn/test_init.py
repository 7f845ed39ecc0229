"""nn.init and nn.utils against PyTorch: same seed, same values. Skipped without torch."""

from __future__ import annotations

import pytest

import facula

torch = pytest.importorskip("torch")

INITIALISERS = [
    ("uniform_", (7, 5), (-1.0, 2.0)),
    ("normal_", (7, 5), (1.0, 2.0)),
    ("normal_", (3,), ()),
    ("trunc_normal_", (50, 5), ()),
    ("trunc_normal_", (50, 5), (0.0, 1.0, -0.5, 0.5)),
    ("trunc_normal_", (50, 5), (0.5, 2.0, 0.0, 1.0)),
    ("constant_", (7, 5), (0.3,)),
    ("ones_", (7,), ()),
    ("zeros_", (7,), ()),
    ("eye_", (3, 5), ()),
    ("dirac_", (6, 2, 3), ()),
    ("dirac_", (6, 2, 3, 3), (3,)),
    ("xavier_uniform_", (7, 5), (1.5,)),
    ("xavier_normal_", (7, 5, 3), ()),
    ("kaiming_uniform_", (7, 5), ()),
    ("kaiming_uniform_", (7, 5, 3), (0.1, "fan_out")),
    ("kaiming_normal_", (7, 5), (0.0, "fan_in", "relu")),
    ("orthogonal_", (5, 5), ()),
    ("orthogonal_", (3, 7), (2.0,)),
    ("orthogonal_", (7, 2, 2), ()),
    ("sparse_", (10, 4), (0.35,)),
]


@pytest.mark.parametrize("name, shape, args", INITIALISERS, ids=str)
def test_values(name, shape, args):
    values = []
    for framework in (facula, torch):
        framework.manual_seed(0)
        tensor = framework.zeros(shape)
        assert getattr(framework.nn.init, name)(tensor, *args) is tensor
        values.append(torch.tensor(tensor.tolist()))
        values.append(torch.tensor(framework.rand(3).tolist()))  # the generator stands where it should
    torch.testing.assert_close(values[0], values[2], rtol=2e-6, atol=2e-6)
    assert torch.equal(values[1], values[3])


@pytest.mark.parametrize("name, param", [("linear", None), ("tanh", None), ("relu", None), ("selu", None),
                                         ("sigmoid", None), ("leaky_relu", None), ("leaky_relu", 0.3)])  # fmt: skip
def test_gain(name, param):
    assert facula.nn.init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.init.calculate_gain("wrong"),
        lambda t: t.nn.init.calculate_gain("leaky_relu", "wrong"),
        lambda t: t.nn.init.xavier_uniform_(t.zeros(3)),
        lambda t: t.nn.init.kaiming_uniform_(t.zeros(3, 3), mode="wrong"),
        lambda t: t.nn.init.eye_(t.zeros(3)),
        lambda t: t.nn.init.dirac_(t.zeros(3)),
        lambda t: t.nn.init.dirac_(t.zeros(3, 3, 3), groups=2),
        lambda t: t.nn.init.orthogonal_(t.zeros(3)),
        lambda t: t.nn.init.sparse_(t.zeros(3), 0.5),
    ],
)
def test_errors(call):
    with pytest.raises(ValueError) as theirs:
        call(torch)
    with pytest.raises(ValueError) as ours:
        call(facula)
    assert str(ours.value) == str(theirs.value)


def test_warnings():
    with pytest.warns(UserWarning, match="zero-element"):
        facula.nn.init.kaiming_uniform_(facula.zeros(0, 3))
    with pytest.warns(UserWarning, match="more than 2 std"):
        facula.nn.init.trunc_normal_(facula.zeros(3), 9.0, 1.0, 0.0, 1.0)
    with pytest.warns(FutureWarning, match="xavier_uniform_"):
        facula.nn.init.xavier_uniform(facula.zeros(3, 3))


def parameters(framework):
    result = []
    for i in range(3):
        param = framework.nn.Parameter(framework.zeros(2, i + 1))
        param.grad = framework.arange(1.0, 2 * i + 3).reshape(2, i + 1) * (-1) ** i
        result.append(param)
    return [*result, framework.nn.Parameter(framework.zeros(2))]


@pytest.mark.parametrize("norm", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_clip_grad_norm(norm, limit):
    found = []
    for framework in (facula, torch):
        params = parameters(framework)
        total = framework.nn.utils.clip_grad_norm_(params, limit, norm)
        found.append([total.item(), *(p.grad.tolist() for p in params[:3])])
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    for a, b in zip(found[0][1:], found[1][1:], strict=True):
        torch.testing.assert_close(torch.tensor(a), torch.tensor(b))


def test_clip_grad_value_and_vectors():
    params = parameters(facula)
    facula.nn.utils.clip_grad_value_(params, 2)
    assert params[1].grad.tolist() == [[-1.0, -2.0], [-2.0, -2.0]]
    vector = facula.nn.utils.parameters_to_vector(params)
    assert vector.shape == (14,)
    facula.nn.utils.vector_to_parameters(facula.arange(14.0), params)
    assert params[1].tolist() == [[2.0, 3.0], [4.0, 5.0]]


def test_clip_grad_refuses_what_is_not_finite():
    params = parameters(facula)
    params[0].grad[0, 0] = float("nan")
    with pytest.raises(RuntimeError, match="non-finite"):
        facula.nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
