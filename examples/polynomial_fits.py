"""y = a + b x + c x^2 + d x^3 fitted to a sine, five ways."""

import argparse
import math

import facula as torch


def data():
    x = torch.linspace(-math.pi, math.pi, 2000)
    return x, torch.sin(x)


def by_hand(steps):
    """The gradients written out."""
    x, y = data()
    a, b, c, d = (torch.randn(()) for _ in range(4))
    for _ in range(steps):
        prediction = a + b * x + c * x**2 + d * x**3
        loss = (prediction - y).pow(2).sum()
        slope = 2.0 * (prediction - y)
        a -= 1e-6 * slope.sum()
        b -= 1e-6 * (slope * x).sum()
        c -= 1e-6 * (slope * x**2).sum()
        d -= 1e-6 * (slope * x**3).sum()
    return loss.item(), f"y = {a:.3f} + {b:.3f} x + {c:.3f} x^2 + {d:.3f} x^3"


def with_autograd(steps):
    """The gradients from the graph."""
    x, y = data()
    weights = [torch.randn((), requires_grad=True) for _ in range(4)]
    for _ in range(steps):
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for w in weights:
                w -= 1e-6 * w.grad
                w.grad = None
    return loss.item(), "y = {:.3f} + {:.3f} x + {:.3f} x^2 + {:.3f} x^3".format(*weights)


class Legendre3(torch.autograd.Function):
    """The third Legendre polynomial, with a derivative of our own."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 0.5 * (5 * x**3 - 3 * x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * x**2 - 1)


def with_a_function(steps):
    """y = a + b P3(c + d x)."""
    x, y = data()
    a, b, c, d = weights = [torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3)]
    for _ in range(steps):
        loss = (a + b * Legendre3.apply(c + d * x) - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for w in weights:
                w -= 5e-6 * w.grad
                w.grad = None
    return loss.item(), "y = {:.3f} + {:.3f} P3({:.3f} + {:.3f} x)".format(*weights)


def with_nn(steps):
    """A linear layer on the powers of x, and RMSprop."""
    x, y = data()
    powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    loss_fn = torch.nn.MSELoss(reduction="sum")
    for _ in range(steps):
        loss = loss_fn(model(powers), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    b, c, d = model[0].weight[0]
    return loss.item(), f"y = {model[0].bias.item():.3f} + {b:.3f} x + {c:.3f} x^2 + {d:.3f} x^3"


class Dynamic(torch.nn.Module):
    """Up to the fifth power; the last weight serves both higher ones, and each call decides how many there are."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d, self.e = (torch.nn.Parameter(torch.randn(())) for _ in range(5))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x**2 + self.d * x**3
        for power in range(4, int(torch.randint(4, 7, ()))):
            y = y + self.e * x**power
        return y


def with_shared_weights(steps):
    """A graph that differs from step to step."""
    x, y = data()
    model = Dynamic()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
    for _ in range(steps):
        loss = torch.nn.functional.mse_loss(model(x), y, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    m = model
    return (
        loss.item(),
        f"y = {m.a:.3f} + {m.b:.3f} x + {m.c:.3f} x^2 + {m.d:.3f} x^3 + {m.e:.5f} x^4 ? + {m.e:.5f} x^5 ?",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    steps = 200 if options.quick else 2000
    for fit, times in ((by_hand, 1), (with_autograd, 1), (with_a_function, 1), (with_nn, 1), (with_shared_weights, 10)):
        torch.manual_seed(options.seed)
        loss, formula = fit(steps * times)
        print(f"{fit.__name__:20} loss {loss:9.3f}   {formula}")


if __name__ == "__main__":
    main()
