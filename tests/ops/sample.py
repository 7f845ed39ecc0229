"""What a sample is: the public name of an operation and descriptions of its arguments, built for either package."""

from __future__ import annotations

import zlib

import numpy as np

N = 3  # the size that the tests with empty tensors replace by 0
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTS = ("int64", "int32", "int16", "int8", "uint8")


class Array:
    """Describes a tensor argument. `kind`: "x" takes the dtype of the test, otherwise a fixed dtype."""

    def __init__(self, shape, low=-2.0, high=2.0, kind="x", grad=True, values=None):
        self.shape, self.low, self.high, self.kind, self.values = shape, low, high, kind, values
        self.differentiable = grad and kind == "x"

    def numbers(self, seed, shape, dtype):
        """Deterministic values: uniform, or whole numbers of the range."""
        if self.values is not None:
            return np.array(self.values)
        random = np.random.default_rng(zlib.crc32(seed.encode()))
        if dtype == "bool":
            return random.random(shape) < 0.5
        if "int" in dtype:
            low = max(self.low, 0) if dtype == "uint8" else self.low
            first = int(np.ceil(low))
            return random.integers(first, max(int(np.floor(self.high)), first) + 1, shape)
        values = random.uniform(self.low, self.high, shape)
        return values + 1j * random.uniform(self.low, self.high, shape) if "complex" in dtype else values

    def build(self, torch, seed, dtype, layout, requires_grad):
        dtype = dtype if self.kind == "x" else self.kind
        if self.values is not None:
            layout = "contiguous"
        shape = tuple(0 if size == N and layout == "empty" else size for size in self.shape)
        shape = () if layout == "0-d" else shape
        data = torch.tensor(self.numbers(seed, shape, dtype).tolist(), dtype=getattr(torch, dtype)).reshape(shape)
        if layout == "transposed":
            order = tuple(reversed(range(len(shape))))
            data = data.permute(order).contiguous().permute(order)
        elif layout == "stepped" and shape:
            wide = torch.zeros((*shape[:-1], 2 * shape[-1]), dtype=data.dtype)
            wide[..., ::2] = data
            data = wide[..., ::2]
        return data.requires_grad_() if requires_grad and self.differentiable else data


def F(*shape, low=-2.0, high=2.0, grad=True):
    """A tensor of the dtype of the test, uniform in [low, high)."""
    return Array(shape, low, high, grad=grad)


def Index(*shape, below):
    """Indices below a limit."""
    return Array(shape, 0, below - 1, "int64")


def Mask(*shape):
    return Array(shape, kind="bool")


def Fixed(values, dtype="int64"):
    return Array(np.shape(values), kind=dtype, values=values)


class Sample:
    """`name` is the path below torch; "Tensor.x" calls a method. Whether x_ and out= exist is read from the package."""

    def __init__(self, name, *args, entries=None, dtypes=FLOATS, id=None, second=True, grad=None, exact=True, **kwargs):
        self.name, self.args, self.kwargs = name, args, kwargs
        last = name.rsplit(".", 1)[-1]
        self.entries = (last,) if entries is None else (entries,) if isinstance(entries, str) else entries
        self.dtypes = dtypes
        self.id = id or name.replace("nn.functional", "F")
        self.differentiable = any(a.differentiable for a in self.arrays()) if grad is None else grad
        self.second = second  # False: torch has no second derivative either
        self.exact = exact  # False: values are not determined (empty, random)

    @property
    def dtype(self):
        """The dtype of tests about something else."""
        return "float64" if "float64" in self.dtypes else self.dtypes[0]

    def arrays(self):
        for arg in (*self.args, *self.kwargs.values()):
            for item in arg if isinstance(arg, (list, tuple)) else (arg,):
                if isinstance(item, Array):
                    yield item

    def function(self, torch):
        value = torch
        for part in self.name.split("."):
            value = getattr(value, part)
        return value

    def make(self, torch, dtype="float64", layout="contiguous", requires_grad=False):
        """Positional and keyword arguments for one of the two packages."""
        count = 0

        def convert(value):
            nonlocal count
            if isinstance(value, (list, tuple)):
                return type(value)(convert(item) for item in value)
            if isinstance(value, Array):
                count += 1
                return value.build(torch, f"{self.id}/{count}", dtype, layout, requires_grad)
            if isinstance(value, str) and value.startswith("torch."):
                return getattr(torch, value[6:])
            return value

        return [convert(a) for a in self.args], {name: convert(a) for name, a in self.kwargs.items()}

    def __repr__(self):
        return self.id


REAL = FLOATS + INTS
ALL = (*REAL, "bool")
LOGIC = (*INTS, "bool")
