"""vmap: a function of one sample becomes a function of a batch. Arguments and results here, operations in the
rules."""

from __future__ import annotations

from functools import wraps

from facula._C import Tensor, _level, _make_batched, _physical, _set_batch_depth
from facula.func import _index_rules, _product_rules, _random_rules, _shape_rules, _tree  # noqa: F401
from facula.func._batching import state


def _name(func) -> str:
    return getattr(func, "__name__", None) or repr(func)


def _check_randomness(randomness) -> None:
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")


def vmap(func, in_dims=0, out_dims=0, randomness: str = "error", *, chunk_size: int | None = None):
    """A function that applies ``func`` to every sample of its arguments at once.

    Args:
        func: takes samples (and nested containers of them) and returns tensors, none of them with the batch dimension.
        in_dims: which dimension of each argument is the batch; an int for all, or a structure like the arguments'
            with None for what is the same for all samples. Keyword arguments are.
        out_dims: where the batch dimension goes in each result.
        randomness: ``'error'``, ``'same'`` numbers for all samples or ``'different'`` ones.
        chunk_size (int): run over at most so many samples at a time.

    Raises:
        ValueError: the structures do not fit, or the arguments have different numbers of samples.
        RuntimeError: ``func`` reads values (``.item()``, ``if x > 0``) or writes a sample into what is not batched.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> torch.vmap(torch.dot)(x, x)
        tensor([ 5., 25.])
    """
    _check_randomness(randomness)
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func)
    def wrapped(*args, **kwargs):
        leaves, dims, tree, size = _arguments(func, in_dims, args)
        call = func if not kwargs else wraps(func)(lambda *samples: func(*samples, **kwargs))
        if chunk_size is not None and size > chunk_size:
            return _in_chunks(call, leaves, dims, tree, size, out_dims, randomness, chunk_size)
        results, result_tree, places = _run(call, leaves, dims, tree, size, out_dims, randomness)
        return _tree.unflatten([_moved(r, place) for r, place in zip(results, places)], result_tree)

    return wrapped


# ---- arguments ----


def _arguments(func, in_dims, args: tuple):
    """Flat arguments, the batch dimension of each (None: not batched), their structure, and the number of samples."""
    if type(in_dims) is not int and not isinstance(in_dims, (tuple, list)):
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially "
            f"nested) tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    leaves, tree = _tree.flatten(args)
    if not leaves:
        raise ValueError(
            f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
            f"over a function with no inputs. The latter is unsupported."
        )
    dims = [in_dims] * len(leaves) if type(in_dims) is int else _tree.broadcast_to(_like_arguments(in_dims), tree)
    if dims is None:
        raise ValueError(
            f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of "
            f"`inputs`. in_dims has structure {_tree.flatten(in_dims)[1]} but inputs has structure {tree}."
        )
    where = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): "
    dims = [_batch_dim(where, leaf, dim) for leaf, dim in zip(leaves, dims)]
    sizes = [leaf.shape[dim] for leaf, dim in zip(leaves, dims) if dim is not None]
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes} for the "
            f"mapped dimension"
        )
    if not sizes:
        raise ValueError(where + "no argument has a batch dimension: in_dims is None for all of them")
    return leaves, dims, tree, sizes[0]


def _like_arguments(in_dims):
    return tuple(in_dims) if isinstance(in_dims, list) else in_dims


def _batch_dim(where: str, leaf, dim) -> int | None:
    if dim is None:
        return None
    if type(dim) is not int:
        raise ValueError(
            f"{where}Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
        )
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"{where}Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over "
            f"non-Tensor arguments, please use None as the respective in_dim"
        )
    ndim = leaf.dim()
    if not -ndim <= dim < ndim:
        raise ValueError(
            f"{where}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {ndim} so expected "
            f"in_dim to satisfy -{ndim} <= in_dim < {ndim}."
        )
    return dim % ndim


# ---- the run ----


def _run(func, leaves, dims, tree, size: int, out_dims, randomness: str):
    """Call the function on samples: flat results, batch in dimension 0, their structure, and the out_dims for each."""
    levels = state.levels
    level = len(levels) + 1
    batched = [
        leaf if dim is None else _make_batched(leaf.movedim(dim, 0) if dim else leaf, level)
        for leaf, dim in zip(leaves, dims)
    ]
    args = _tree.unflatten(batched, tree)
    levels.append((randomness, size))
    before = _set_batch_depth(level)
    try:
        outcome = func(*args)
    finally:
        _set_batch_depth(before)
        levels.pop()
    results, result_tree = _tree.flatten(outcome)
    places = [out_dims] * len(results) if type(out_dims) is int else _tree.broadcast_to(out_dims, result_tree)
    if places is None:
        raise ValueError(
            f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure "
            f"of `outputs`. out_dims has structure {_tree.flatten(out_dims)[1]} but outputs has structure "
            f"{result_tree}."
        )
    return [_all_samples(func, r, p, level, size) for r, p in zip(results, places)], result_tree, places


def _all_samples(func, result, place, level: int, size: int):
    if place is None:
        if isinstance(result, Tensor) and _level(result) == level:
            raise ValueError(
                f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor when out_dim is None"
            )
        return result
    if not isinstance(result, Tensor):
        raise ValueError(
            f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type {type(result)}. Did you "
            f"mean to set out_dims= to None for output?"
        )
    physical = _physical(result, level)
    return result.expand(size, *result.shape) if physical is None else physical


def _moved(result, place):
    return result.movedim(0, place) if place else result


def _in_chunks(func, leaves, dims, tree, size, out_dims, randomness, chunk_size):
    from facula.functional import cat

    parts, result_tree, places = [], None, []
    for start in range(0, size, chunk_size):
        length = min(chunk_size, size - start)
        some = [leaf if d is None else leaf.narrow(d, start, length) for leaf, d in zip(leaves, dims)]
        results, result_tree, places = _run(func, some, dims, tree, length, out_dims, randomness)
        parts.append(results)
    whole = [
        column[0] if place is None else _moved(cat(list(column), 0), place)
        for column, place in zip(zip(*parts), places)
    ]
    return _tree.unflatten(whole, result_tree)
