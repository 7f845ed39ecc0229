"""autocast as context manager and decorator, and the decorators of custom functions. The rules and the casts are the
core's (core/ops/autocast.cpp); here is only the region they hold in."""

from __future__ import annotations

from functools import partial, wraps

from facula._C import Tensor, dtype, float64

from .state import (
    SUPPORTED,
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_dtype,
    is_autocast_available,
    is_autocast_cache_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def _check_device(device_type) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if not is_autocast_available(device_type):
        raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")


class autocast:
    """A region in which products run in a type of fewer digits, and what needs digits in float32. Context manager and
    decorator; holds in the thread that enters it.

    Args:
        device_type (str): "cpu" or "cuda"; the latter is switched off with a warning where there is none.
        dtype (dtype): torch.bfloat16 or torch.float16. Default: ``get_autocast_dtype(device_type)``.
        enabled (bool): False makes a region without autocast inside of another. Default: True.
        cache_enabled (bool): whether a weight is cast once for all its uses. Default: as outside.

    Example:
        >>> import facula as torch
        >>> a = torch.ones(2, 2)
        >>> with torch.autocast("cpu", dtype=torch.bfloat16):
        ...     product = a @ a
        >>> product.dtype
        torch.bfloat16
    """

    def __init__(
        self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ):
        _check_device(device_type)
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._possible()
        self._before: list[tuple] = []  # one entry may be inside another of the same object

    def _possible(self) -> bool:
        import warnings

        if self.device == "cuda":
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=3)
            return False
        if self.fast_dtype not in SUPPORTED:
            name = self.device.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n{name} Autocast "
                f"only supports dtypes of {', '.join(map(str, SUPPORTED))} currently.",
                stacklevel=3,
            )
            return False
        return True

    def __enter__(self):
        before = (is_autocast_enabled(self.device), get_autocast_dtype(self.device), is_autocast_cache_enabled())
        self._before.append(before)
        set_autocast_enabled(self.device, self._enabled)
        set_autocast_dtype(self.device, self.fast_dtype)
        set_autocast_cache_enabled(self._cache_enabled)
        autocast_increment_nesting()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb) -> None:
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        enabled, fast_dtype, cache = self._before.pop()
        set_autocast_enabled(self.device, enabled)
        set_autocast_dtype(self.device, fast_dtype)
        set_autocast_cache_enabled(cache)

    def __call__(self, func):
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. "
                f"Did you mean to use autocast as a context manager? For example:\n"
                f"    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @wraps(func)
        def decorated(*args, **kwargs):
            with self:
                return func(*args, **kwargs)

        return decorated


def _cast(value, device_type: str, dtype: dtype):
    """Tensors inside of containers cast; what is no tensor of that device, or float64, stays."""
    if isinstance(value, Tensor):
        eligible = value.is_floating_point() and value.device.type == device_type and value.dtype is not float64
        return value.to(dtype) if eligible else value
    if isinstance(value, dict):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(v, device_type, dtype) for v in value)
    return value


def custom_fwd(fwd=None, *, device_type: str, cast_inputs: dtype | None = None):
    """Decorate the ``forward`` of an autograd.Function that is to be used under autocast.

    Args:
        fwd (callable): the static method. Absent: gives the decorator.
        device_type (str): "cpu" or "cuda".
        cast_inputs (dtype): under autocast, the type to which floating-point arguments are cast; ``forward`` then runs
            without autocast. Optional.

    Example:
        >>> import facula as torch
        >>> class Square(torch.autograd.Function):
        ...     @staticmethod
        ...     @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        ...     def forward(ctx, x):
        ...         return x * x
        ...     @staticmethod
        ...     @torch.amp.custom_bwd(device_type="cpu")
        ...     def backward(ctx, g):
        ...         return g
        >>> with torch.autocast("cpu"):
        ...     Square.apply(torch.ones(1, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @wraps(fwd)
    def decorated(*args, **kwargs):
        ctx = args[0]
        ctx._dtype = get_autocast_dtype(device_type)
        enabled = is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            rest = _cast(args[1:], device_type, cast_inputs)
            return fwd(ctx, *rest, **_cast(kwargs, device_type, cast_inputs))

    return decorated


def custom_bwd(bwd=None, *, device_type: str):
    """Decorate the ``backward`` of an autograd.Function: it runs under the autocast of its ``forward``.

    Args:
        bwd (callable): the static method. Absent: gives the decorator.
        device_type (str): "cpu" or "cuda".
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return partial(custom_bwd, device_type=device_type)

    @wraps(bwd)
    def decorated(*args, **kwargs):
        ctx = args[0]
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(*args, **kwargs)

    return decorated
