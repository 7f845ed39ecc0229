"""Methods of Tensor that PyTorch keeps for older programs, for sparse, quantised and accelerator tensors, or for
its own machinery: on dense CPU tensors they answer plainly, or raise what PyTorch raises."""

from __future__ import annotations

from facula._C import Tensor, channels_last
from facula._C import dtype as dtype_type
from facula._tensor.typed_storage import storage_of as storage
from facula.functional.inplace import _write_flat

__all__ = ["dequantize"]

METHODS = (
    "ccol_indices coalesce col_indices const_data_ptr crow_indices dense_dim dequantize dim_order eig "
    "index indices int_repr ipu is_coalesced is_set_to lstsq map2_ module_load mtia pin_memory "
    "q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qscheme record_stream "
    "reinforce resize resize_as resize_as_sparse_ row_indices smm solve sparse_dim sparse_mask sparse_resize_ "
    "sparse_resize_and_clear_ sspaddmm storage storage_type symeig to_dense to_mkldnn to_padded_tensor values xpu"
)


def _needs_layout(name: str, layout: str):
    """A method that only tensors of a sparse layout have."""

    def method(input: Tensor):
        raise RuntimeError(f"{name} expected {layout} tensor layout but got Strided")

    method.__name__ = name
    method.__doc__ = f"""Raise RuntimeError: only a tensor of {layout} layout has it.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).{name}()
        Traceback (most recent call last):
        RuntimeError: {name} expected {layout} tensor layout but got Strided
    """
    return method


coalesce = _needs_layout("coalesce", "sparse coordinate")
is_coalesced = _needs_layout("is_coalesced", "sparse coordinate")
indices = _needs_layout("indices", "sparse coordinate")
values = _needs_layout("values", "sparse")
crow_indices = _needs_layout("crow_indices", "sparse row compressed")
col_indices = _needs_layout("col_indices", "sparse row compressed")
ccol_indices = _needs_layout("ccol_indices", "sparse column compressed")
row_indices = _needs_layout("row_indices", "sparse column compressed")


def _not_for_dense(name: str, kind: str):
    """A method whose operation dense CPU tensors do not have."""

    def method(input: Tensor, *args, **kwargs):
        raise NotImplementedError(f"Could not run '{name}' with arguments from the 'CPU' backend: it is for {kind}")

    method.__name__ = name
    method.__doc__ = f"Raise NotImplementedError: it is for {kind}."
    return method


int_repr = _not_for_dense("int_repr", "quantised tensors")
q_per_channel_axis = _not_for_dense("q_per_channel_axis", "quantised tensors")
q_per_channel_scales = _not_for_dense("q_per_channel_scales", "quantised tensors")
q_per_channel_zero_points = _not_for_dense("q_per_channel_zero_points", "quantised tensors")
q_scale = _not_for_dense("q_scale", "quantised tensors")
q_zero_point = _not_for_dense("q_zero_point", "quantised tensors")
qscheme = _not_for_dense("qscheme", "quantised tensors")
resize_as_sparse_ = _not_for_dense("resize_as_sparse_", "sparse tensors")
sparse_mask = _not_for_dense("sparse_mask", "sparse tensors")
sparse_resize_ = _not_for_dense("sparse_resize_", "sparse tensors")
sparse_resize_and_clear_ = _not_for_dense("sparse_resize_and_clear_", "sparse tensors")
to_mkldnn = _not_for_dense("to_mkldnn", "builds with MKL-DNN")
to_padded_tensor = _not_for_dense("to_padded_tensor", "nested tensors")


def _only_sparse(name: str):
    def method(input: Tensor, *args, **kwargs):
        raise RuntimeError(f"tensor.{name}(...) can only be called on sparse tensors")

    method.__name__ = name
    method.__doc__ = "Raise RuntimeError: only a sparse tensor has it."
    return method


smm = _only_sparse("smm")
sspaddmm = _only_sparse("sspaddmm")


def _removed(name: str, since: str, instead: str):
    """A method that PyTorch has removed."""

    def method(input: Tensor, *args, **kwargs):
        raise RuntimeError(f"{name}() was removed{since}: use {instead} instead")

    method.__name__ = name
    method.__doc__ = f"Raise RuntimeError: PyTorch has removed it for {instead}."
    return method


_SINCE = ", deprecated since PyTorch 1.9"
eig = _removed("eig", _SINCE, "torch.linalg.eig")
lstsq = _removed("lstsq", _SINCE, "torch.linalg.lstsq, whose arguments are reversed")
reinforce = _removed("reinforce", "", "torch.distributions")
solve = _removed("solve", _SINCE, "torch.linalg.solve, whose arguments are reversed")
symeig = _removed("symeig", _SINCE, "torch.linalg.eigh")


def _no_device(name: str, error: type[Exception]):
    def method(input: Tensor, *args, **kwargs):
        raise error(f"PyTorch is not linked with support for {name} devices: facula computes on the CPU")

    method.__name__ = name
    method.__doc__ = f"Raise {error.__name__}: there is no such device."
    return method


ipu = _no_device("ipu", RuntimeError)
mtia = _no_device("mtia", AssertionError)
xpu = _no_device("xpu", AssertionError)


# ---- plain answers ----


def dequantize(input):
    """A tensor, or each of several, as float32.

    Example:
        >>> import facula as torch
        >>> torch.dequantize(torch.tensor([1]))
        tensor([1.])
    """
    if isinstance(input, Tensor):
        return input.float()
    return [dequantize(x) for x in input]


def to_dense(input: Tensor, dtype: dtype_type | None = None, *, masked_grad: bool = True) -> Tensor:
    """The tensor, which is dense already, converted to a dtype if one is given.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2).to_dense()
        tensor([0., 0.])
    """
    return input if dtype is None else input.to(dtype)


def dense_dim(input: Tensor) -> int:
    """The number of dimensions.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3).dense_dim()
        2
    """
    return input.dim()


def sparse_dim(input: Tensor) -> int:
    """0.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3).sparse_dim()
        0
    """
    return 0


def const_data_ptr(input: Tensor) -> int:
    """The address of the first element.

    Example:
        >>> import facula as torch
        >>> x = torch.zeros(2)
        >>> x.const_data_ptr() == x.data_ptr()
        True
    """
    return input.data_ptr()


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both look at the same memory in the same way.

    Example:
        >>> import facula as torch
        >>> x = torch.zeros(2)
        >>> x.is_set_to(x.view(2)), x.is_set_to(x.clone())
        (True, False)
    """
    return (
        input._storage_key() == tensor._storage_key()
        and input.shape == tensor.shape
        and input.stride() == tensor.stride()
        and input.storage_offset() == tensor.storage_offset()
    )


def pin_memory(input: Tensor, device=None) -> Tensor:
    """Refuse: pinned memory serves copies to an accelerator.

    Raises:
        RuntimeError: always.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).pin_memory()
        Traceback (most recent call last):
        RuntimeError: Cannot access accelerator device when none is available.
    """
    raise RuntimeError("Cannot access accelerator device when none is available.")


def record_stream(input: Tensor, s) -> None:
    """Refuse: there are no streams on the CPU.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("record_stream() needs a stream of an accelerator, and none is available")


def storage_type(input: Tensor):
    """The class of the storage, such as ``torch.FloatStorage``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).storage_type()
        <class 'torch.FloatStorage'>
    """
    from facula._tensor import typed_storage

    return getattr(typed_storage, storage(input).pickle_storage_type())


def map2_(input: Tensor, x: Tensor, y: Tensor, callable) -> Tensor:
    """Overwrite every element with a Python function of it and of the elements of two tensors, which broadcast.

    Example:
        >>> import facula as torch
        >>> one = torch.ones(2)
        >>> torch.zeros(2).map2_(one, one, lambda a, b, c: a + b + c)
        tensor([2., 2.])
    """
    columns = [t.detach().expand(input.shape).reshape(-1).tolist() for t in (input, x, y)]
    return _write_flat(input, [callable(*values) for values in zip(*columns)])


def module_load(input: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``load_state_dict`` puts in place of a parameter: ``other`` itself or copied into this tensor, detached.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2).module_load(torch.ones(2))
        tensor([1., 1.])
    """
    return other.detach() if assign else input.copy_(other).detach()


def index(input: Tensor, positions, dims):
    """Refuse: first-class dimensions do not exist here; index with ``x[...]``.

    Raises:
        NotImplementedError: always.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).index([0], [0])
        Traceback (most recent call last):
        NotImplementedError: Tensor.index() takes first-class dimensions (functorch.dim); index with x[...]
    """
    raise NotImplementedError("Tensor.index() takes first-class dimensions (functorch.dim); index with x[...]")


def resize(input: Tensor, *sizes) -> Tensor:
    """The deprecated ``reshape``, warned about.

    Raises:
        RuntimeError: another number of elements.
    """
    from math import prod
    from warnings import warn

    warn("non-inplace resize is deprecated", stacklevel=2)
    shape = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    if prod(shape) != input.numel():
        raise RuntimeError(
            f"requested resize to {tuple(shape)} ({prod(shape)} elements in total), but the given tensor has a size of "
            f"{'x'.join(map(str, input.shape))} ({input.numel()} elements). autograd's resize can only change the "
            "shape of a given tensor, while preserving the number of elements."
        )
    return input.contiguous().view(tuple(shape))


def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """The deprecated ``reshape_as``, warned about.

    Raises:
        RuntimeError: another number of elements.
    """
    return resize(input, tensor.shape)


def dim_order(input: Tensor, *, ambiguity_check: bool | list = False) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost.

    Args:
        ambiguity_check: whether to refuse a tensor of which there are several orders, or the memory formats whose
            order is taken then.

    Raises:
        RuntimeError: there are several orders.
        TypeError: ``ambiguity_check`` is neither a bool nor a list of memory formats.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3).t().dim_order()
        (1, 0)
    """
    from itertools import pairwise

    if not isinstance(ambiguity_check, bool):
        from facula._C import memory_format

        if not isinstance(ambiguity_check, list) or not all(isinstance(f, memory_format) for f in ambiguity_check):
            raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    strides = input.stride()
    several = 1 in input.shape or any(a == b for a, b in pairwise(strides))
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if several and ambiguity_check is not False:
        if sum(input.is_contiguous(memory_format=kind) for kind in formats) != 1:
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
            )
    flat, channels_inside = input.is_contiguous(), input.dim() == 4 and input.is_contiguous(memory_format=channels_last)
    if flat != channels_inside:
        return tuple(range(input.dim())) if flat else (0, 2, 3, 1)
    order = list(reversed(range(input.dim())))  # the innermost first
    for i in range(1, len(order)):
        place = i
        for other in reversed(range(i)):
            outward = _lies_outside(input, order[other], order[place])
            if outward < 0:
                break
            if outward > 0:
                order[other], order[place] = order[place], order[other]
                place = other
    if ambiguity_check and any(a == b != 0 for a, b in pairwise(sorted(strides))):
        raise RuntimeError("The tensor does not have unique dim order.")
    return tuple(reversed(order))


def _lies_outside(input: Tensor, a: int, b: int) -> int:
    """1 when dimension ``a`` has the larger step in memory, -1 when the smaller, 0 when nothing tells."""
    steps = input.stride(a), input.stride(b)
    if 0 in steps:
        return 0
    if steps[0] != steps[1]:
        return 1 if steps[0] > steps[1] else -1
    return int(input.size(a) > input.size(b))
