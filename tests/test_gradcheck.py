"""gradcheck and gradgradcheck: right derivatives pass, wrong ones are named."""

import pytest

import facula as torch
from facula.autograd import Function
from facula.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck


def leaf(*shape, offset=0.3):
    count = 1
    for size in shape:
        count *= size
    numbers = torch.linspace(-1.0, 1.0, count, dtype=torch.float64) if count else torch.empty(0, dtype=torch.float64)
    return (numbers.reshape(shape) + offset).requires_grad_()


class WrongAtOnePlace(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        wrong = g * 2
        wrong[1, 0] = wrong[1, 0] * 1.5
        return wrong


class IgnoresCotangent(Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return torch.ones_like(g)


class NotTheSameTwice(Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g * (1 + 1e-7 * torch.rand(1, dtype=torch.float64))


class WrongSecondDerivative(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x.detach()


def test_right_derivatives_pass():
    x, y = leaf(3, 2), leaf(2, offset=0.7)
    assert gradcheck(lambda a, b: (a * b, (a @ b).sin(), a.reshape(-1)), (x, y))
    assert gradgradcheck(lambda a, b: (a * b, (a @ b).sin()), (x, y))
    assert gradgradcheck(lambda a: a * a * a, x, gen_non_contig_grad_outputs=True)


@pytest.mark.parametrize("shape", [(), (1,), (0, 3)])
def test_small_shapes(shape):
    assert gradcheck(lambda a: a.exp(), leaf(*shape))


def test_strided_input_and_view_output():
    x = leaf(3, 4).detach().t().requires_grad_()
    assert gradcheck(lambda a: a.t(), x)


def test_input_is_as_before():
    x = leaf(3)
    before = x.tolist()
    gradcheck(lambda a: a * a, x)
    assert x.tolist() == before


def test_wrong_entry_is_named():
    with pytest.raises(GradcheckError) as error:
        gradcheck(WrongAtOnePlace.apply, leaf(3, 2))
    text = str(error.value)
    assert "Jacobian mismatch for output 0 with respect to input 0" in text
    assert "d output[1, 0] / d input[1, 0] is numerically 2" in text
    assert "analytically 3 " in text
    assert "1 of 36 entries differ" in text


def test_second_input_is_named():
    with pytest.raises(GradcheckError, match="output 1 with respect to input 2"):
        gradcheck(lambda a, n, b: (a + b, WrongAtOnePlace.apply(b)), (leaf(3, 2), 4, leaf(3, 2)))


def test_no_exception_on_request():
    assert gradcheck(WrongAtOnePlace.apply, leaf(3, 2), raise_exception=False) is False
    assert gradgradcheck(WrongSecondDerivative.apply, leaf(3), raise_exception=False) is False


def test_rules_of_backward():
    with pytest.raises(GradcheckError, match="not multiplied by grad_output"):
        gradcheck(IgnoresCotangent.apply, leaf(3))
    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(NotTheSameTwice.apply, leaf(3))
    assert gradcheck(NotTheSameTwice.apply, leaf(3), nondet_tol=1e-3)


def test_wrong_second_derivative():
    assert gradcheck(WrongSecondDerivative.apply, leaf(3))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(WrongSecondDerivative.apply, leaf(3))


def test_output_without_gradient():
    assert gradcheck(lambda a: a.detach() * 0, leaf(3))
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda a: a.detach() * 2, leaf(3))


def test_what_cannot_be_checked():
    with pytest.raises(ValueError, match="requires_grad=True"):
        gradcheck(lambda a: a, leaf(3).detach())
    with pytest.raises(RuntimeError, match="stride 0 in dimension 0"):
        gradcheck(lambda a: a * 1, torch.ones(1, dtype=torch.float64).expand(3).requires_grad_())
    with pytest.raises(AssertionError, match="at least one of check_forward_ad or check_backward_ad"):
        gradcheck(lambda a: a, leaf(2), check_backward_ad=False)
    with pytest.raises(AssertionError, match="requires check_forward_ad"):
        gradcheck(lambda a: a, leaf(2), check_batched_forward_grad=True)
    with pytest.raises(AssertionError, match="at least one of check_fwd_over_rev or check_rev_over_rev"):
        gradgradcheck(lambda a: a * a, leaf(2), check_rev_over_rev=False)
    with pytest.warns(UserWarning, match="float64"):
        gradcheck(lambda a: a * 2, torch.ones(2, requires_grad=True), atol=1.0)


ALL_MODES = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}


@pytest.mark.parametrize("fast", [False, True])
def test_every_mode_passes_right_derivatives(fast):
    x, y = leaf(3, 2), leaf(2, offset=0.7)
    z = torch.complex(x.detach(), x.detach().flip(0)).requires_grad_()
    for func, inputs in (
        (lambda a, b: (a * b, (a @ b).sin(), a.reshape(-1)), (x, y)),
        (lambda z: (z * z.conj(), z.exp()), z),
    ):
        assert gradcheck(func, inputs, fast_mode=fast, **ALL_MODES)
        assert gradgradcheck(func, inputs, fast_mode=fast, check_fwd_over_rev=True, check_batched_grad=True)


@pytest.mark.parametrize(
    "modes", [{"fast_mode": True}, {"check_backward_ad": False, "check_forward_ad": True},
              {"check_backward_ad": False, "check_forward_ad": True, "fast_mode": True}],
    ids=["fast", "forward", "fast forward"],
)  # fmt: skip
def test_every_mode_names_the_wrong_entry(modes):
    with pytest.raises(GradcheckError, match=r"d output\[1, 0\] / d input\[1, 0\] is numerically 2"):
        gradcheck(WrongAtOnePlace.apply, leaf(3, 2), **modes)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        second = {"check_fwd_over_rev": "check_forward_ad" in modes, "fast_mode": "fast_mode" in modes}
        gradgradcheck(
            WrongSecondDerivative.apply, leaf(3), check_rev_over_rev=not second["check_fwd_over_rev"], **second
        )


def test_gradients_that_depend_on_the_batch_are_found():
    class DrawsAtRandom(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2 * (1 + 0.1 * torch.rand(()))

    with pytest.raises(GradcheckError, match="batched gradients"):
        gradcheck(DrawsAtRandom.apply, leaf(3), nondet_tol=10, check_batched_grad=True)


def test_fast_mode_costs_two_calls_an_input():
    calls = []
    gradcheck(lambda a: calls.append(1) or a * a, leaf(10, 10), fast_mode=True)
    assert len(calls) == 3
