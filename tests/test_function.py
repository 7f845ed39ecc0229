"""autograd.Function: what becomes of forward's results. Its protocol is compared with torch in tests/oracle."""

import facula as torch


class Both(torch.autograd.Function):
    """An input handed through, beside something new."""

    @staticmethod
    def forward(ctx, x):
        return x, x * 2

    @staticmethod
    def backward(ctx, g, h):
        return g + 2 * h


class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g


def test_input_among_several_results():
    x = torch.ones(2, requires_grad=True)
    a, b = Both.apply(x)
    assert a is not x and a.grad_fn is b.grad_fn and x.grad_fn is None
    (a.sum() + b.sum()).backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_input_as_only_result():
    x = torch.ones(2, requires_grad=True)
    y = Same.apply(x)
    assert y is not x and y.grad_fn.name() == "SameBackward" and y.data_ptr() == x.data_ptr()
