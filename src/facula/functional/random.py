"""Random tensors and the state of the generators. The same seed gives the same numbers as PyTorch on a CPU."""

from __future__ import annotations

from facula._C import Generator, Tensor, default_generator, int64
from facula._C import bool as bool_dtype
from facula._native import native
from facula.functional.arguments import Number, check_place, finish, shape_of
from facula.functional.creation import empty, empty_like, zeros_like
from facula.functional.indexing import where
from facula.functional.shape import broadcast_shapes

__all__ = [
    "Generator", "bernoulli", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed",
    "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed",
    "set_rng_state",
]  # fmt: skip

METHODS = "bernoulli bernoulli_ exponential_ multinomial normal_ random_ uniform_"


# ---- state ----


def manual_seed(seed: int) -> Generator:
    """Set the seed of the default generator.

    Args:
        seed: in [-2**63, 2**64); negative ones count from 2**64.

    Returns:
        The default generator.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.rand(2)
        tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Set the default generator's seed to a number from the operating system, and return it.

    Example:
        >>> import facula as torch
        >>> torch.seed() == torch.initial_seed()
        True
    """
    import os

    chosen = int.from_bytes(os.urandom(8), "little")
    default_generator.manual_seed(chosen)
    return chosen


def initial_seed() -> int:
    """The seed that the default generator was set to.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(7)
        >>> torch.initial_seed()
        7
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, as bytes in PyTorch's layout.

    Example:
        >>> import facula as torch
        >>> state = torch.get_rng_state()
        >>> a = torch.rand(2)
        >>> torch.set_rng_state(state)
        >>> torch.equal(a, torch.rand(2))
        True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator to what ``get_rng_state`` gave.

    Example:
        >>> import facula as torch
        >>> torch.set_rng_state(torch.get_rng_state())
    """
    default_generator.set_state(new_state)


class fork_rng:
    """A context in which random numbers may be drawn without changing what comes after it.

    Args:
        devices: accepted as in PyTorch; the CPU's generator is the only one.
        enabled: False: the context does nothing.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> with torch.random.fork_rng():
        ...     _ = torch.rand(5)
        >>> torch.rand(1)
        tensor([0.4963])
    """

    def __init__(self, devices=None, enabled: bool = True) -> None:
        self._enabled = enabled

    def __enter__(self) -> None:
        self._state = get_rng_state()

    def __exit__(self, *exception: object) -> None:
        if self._enabled:
            set_rng_state(self._state)


# ---- new tensors ----


@native("rand")
def _rand(size, dtype=None, device=None, generator: Generator | None = None) -> Tensor:
    """Uniform in [0, 1)."""


@native("randn")
def _randn(size, dtype=None, device=None, generator: Generator | None = None) -> Tensor:
    """Normal with mean 0 and variance 1."""


@native("_randint")
def _randint(low: int, high: int, size, dtype, generator: Generator | None) -> Tensor:
    """Integers from low, below high."""


@native("_randperm")
def _randperm(n: int, dtype, generator: Generator | None) -> Tensor:
    """The numbers below n in random order."""


@native("_bernoulli")
def _bernoulli(input: Tensor, generator: Generator | None = None) -> Tensor:
    """1 with the probability given by each element, else 0."""


@native("rand", falls_back=True)
def rand(
    *sizes,
    dtype=None,
    device=None,
    generator: Generator | None = None,
    size=None,
    out: Tensor | None = None,
    layout=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers, uniform in [0, 1).

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.rand(2, 2)
        tensor([[0.4963, 0.7682],
                [0.0885, 0.1320]])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    return finish(_rand(shape_of(sizes, size), dtype, device, generator), out, requires_grad)


@native("randn", falls_back=True)
def randn(
    *sizes,
    dtype=None,
    device=None,
    generator: Generator | None = None,
    size=None,
    out: Tensor | None = None,
    layout=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and variance 1.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.randn(2, 2)
        tensor([[ 1.5410, -0.2934],
                [-2.1788,  0.5684]])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    return finish(_randn(shape_of(sizes, size), dtype, device, generator), out, requires_grad)


def randint(
    low: int = 0,
    high: int | None = None,
    size=None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random integers from ``low``, below ``high``: ``randint(high, size)``, ``randint(low, high, size)``.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.randint(10, (5,))
        tensor([4, 9, 3, 0, 3])
    """
    check_place(device, layout, pin_memory)
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    return finish(_randint(low, high, size, dtype or int64, generator), out, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The integers below ``n`` in random order.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.randperm(5)
        tensor([4, 0, 1, 3, 2])
    """
    check_place(device, layout, pin_memory)
    return finish(_randperm(n, dtype or int64, generator), out, requires_grad)


def _like(input: Tensor, dtype, memory_format) -> Tensor:
    return empty_like(input.detach(), dtype=dtype, memory_format=memory_format)


def rand_like(
    input: Tensor, *, dtype=None, layout=None, device=None, requires_grad: bool = False, memory_format=None,
    generator: Generator | None = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``rand`` in the shape and dtype of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.rand_like(torch.zeros(2, 3)).shape
        torch.Size([2, 3])
    """
    check_place(device, layout, pin_memory)
    return finish(uniform_(_like(input, dtype, memory_format), generator=generator), None, requires_grad)


def randn_like(
    input: Tensor, *, dtype=None, layout=None, device=None, requires_grad: bool = False, memory_format=None,
    generator: Generator | None = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``randn`` in the shape and dtype of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.randn_like(torch.zeros(2, 3)).shape
        torch.Size([2, 3])
    """
    check_place(device, layout, pin_memory)
    return finish(normal_(_like(input, dtype, memory_format), generator=generator), None, requires_grad)


def randint_like(
    input: Tensor, low: int = 0, high: int | None = None, *, dtype=None, layout=None, device=None,
    requires_grad: bool = False, memory_format=None, generator: Generator | None = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``randint`` in the shape and dtype of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.randint_like(torch.zeros(2, 3), 10).dtype
        torch.float32
    """
    check_place(device, layout, pin_memory)
    if high is None:
        low, high = 0, low
    return finish(random_(_like(input, dtype, memory_format), low, high, generator=generator), None, requires_grad)


def _with_zero_gradient(drawn: Tensor, parameters: list[Tensor]) -> Tensor:
    """PyTorch's ``normal`` is recorded: its parameters get a gradient of 0."""
    for parameter in parameters:
        drawn = where(zeros_like(drawn, dtype=bool_dtype), parameter, drawn)
    return drawn


def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size=None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers from normal distributions with the given means and standard deviations, which broadcast.

    Args:
        size: the shape, when both are numbers.
        out: its dtype is what is drawn in; beside a tensor ``mean`` and a number ``std``, its shape broadcasts too.

    Raises:
        RuntimeError: a negative ``std``.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.normal(torch.tensor([0.0, 100.0]), torch.tensor([1.0, 1.0]))
        tensor([ 1.5410, 99.7066])
    """
    check_place(device, layout, pin_memory)
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        parameters = [t for t in (mean, std) if isinstance(t, Tensor) and t.requires_grad]
        mean = mean.detach() if isinstance(mean, Tensor) else mean
        std = std.detach() if isinstance(std, Tensor) else std
        if isinstance(std, Tensor) and std.numel() and not bool((std >= 0).all()):
            raise RuntimeError("normal expects all elements of std >= 0.0")
        if not isinstance(std, Tensor):  # PyTorch's roundings: the deviation inside the draw, or after it
            means: Tensor = mean  # not a number, since the deviation is none
            shape, kind = (means.shape, means) if out is None else (broadcast_shapes(means.shape, out.shape), out)
            drawn = normal_(empty(shape, dtype=kind.dtype), 0.0, std, generator=generator)
            return finish(_with_zero_gradient(drawn.add_(mean), parameters), out, requires_grad)
        shape = broadcast_shapes(mean.shape, std.shape) if isinstance(mean, Tensor) else std.shape
        kind = out if out is not None else mean if isinstance(mean, Tensor) else std
        drawn = normal_(empty(shape, dtype=kind.dtype), generator=generator)
        return finish(_with_zero_gradient(drawn.mul_(std).add_(mean), parameters), out, requires_grad)
    if size is None:
        raise TypeError("normal() missing 1 required argument: 'size', the shape when mean and std are numbers")
    drawn = _randn((0,), dtype, None, generator).resize_(size)
    return finish(normal_(drawn, mean, std, generator=generator), out, requires_grad)


def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """1 with the probability given by each element of ``input`` (or by ``p``), else 0.

    Example:
        >>> import facula as torch
        >>> _ = torch.manual_seed(0)
        >>> torch.bernoulli(torch.tensor([0.0, 1.0, 0.5]))
        tensor([0., 1., 1.])
    """
    if p is None:
        drawn = _bernoulli(input, generator)
        return finish(drawn if out is None else drawn.to(out.dtype), out, False)
    return finish(bernoulli_(empty_like(input.detach()), p, generator=generator), out, False)


@native
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Indices drawn with the probabilities given, up to a factor, by each row of ``input``.

    Raises:
        RuntimeError: a negative or infinite weight, a sum of 0, or more samples than indices without replacement.

    Example:
        >>> import facula as torch
        >>> torch.multinomial(torch.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
        tensor([1, 1])
    """


# ---- in place ----


@native
def uniform_(input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with random numbers, uniform in [from, to).

    Example:
        >>> import facula as torch
        >>> bool((torch.empty(9).uniform_(2, 3) >= 2).all())
        True
    """


@native
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with random numbers from a normal distribution.

    Example:
        >>> import facula as torch
        >>> torch.empty(2).normal_(5.0, 0.0)
        tensor([5., 5.])
    """


@native
def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with random numbers from an exponential distribution of rate ``lambd``.

    Example:
        >>> import facula as torch
        >>> bool((torch.empty(9).exponential_() > 0).all())
        True
    """


@native
def bernoulli_(input: Tensor, p: Tensor | Number = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with 1 where a draw of probability ``p`` succeeds, else 0.

    Example:
        >>> import facula as torch
        >>> torch.empty(2).bernoulli_(1.0)
        tensor([1., 1.])
    """


@native("_random_")
def _random_(input: Tensor, from_: int | None, to: int | None, generator: Generator | None) -> Tensor:
    """Overwrite with random integers."""


def random_(
    input: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
) -> Tensor:
    """Overwrite with random integers: ``random_(to)``, ``random_(from, to)``, or all that the dtype holds exactly.

    Example:
        >>> import facula as torch
        >>> torch.empty(2).random_(3, 4)
        tensor([3., 3.])
    """
    if to is None and from_ is not None:
        from_, to = 0, from_
    return _random_(input, from_, to, generator)
