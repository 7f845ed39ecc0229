"""Modules as functions of their parameters: functional_call, stacks of ensembles, and what vmap and functionalize need
of modules."""

from __future__ import annotations

from functools import wraps

from facula._C import Tensor


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights: bool = True,
                    strict: bool = False):  # fmt: skip
    """Call a module with other tensors in the place of its parameters and buffers.

    Args:
        parameter_and_buffer_dicts: a dict from name to tensor, or several; names that are missing keep their own.
        args: the positional argument, or a tuple of them.
        tie_weights (bool): a tensor given for one name is used for all names of the same parameter.
        strict (bool): all names of the module must be given, and no other.

    Raises:
        ValueError: a name is given twice, or for tied parameters two different tensors.
        RuntimeError: ``strict``, and names are missing or unknown.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.Linear(2, 1, bias=False)
        >>> torch.func.functional_call(layer, {"weight": torch.ones(1, 2)}, torch.ones(2))
        tensor([2.])
    """
    given = _merged(parameter_and_buffer_dicts)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    swap = _Replaced(module, given, tie_weights, strict)
    with swap:
        return module(*args, **(kwargs or {}))


def _merged(dicts) -> dict:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for d in dicts for name in d]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: value for d in dicts for name, value in d.items()}


class _Replaced:
    """A module with some of its tensors replaced, for the time of a with block."""

    def __init__(self, module, given: dict, tie_weights: bool, strict: bool):
        self.places = {}  # name -> (table of its module, key)
        for path, child in module.named_modules(remove_duplicate=False):
            prefix = path + "." if path else ""
            for table in (child._parameters, child._buffers):
                for key, value in table.items():
                    if value is not None:
                        self.places[prefix + key] = (table, key)
        given = self._tied(given) if tie_weights else dict(given)
        unknown = [name for name in given if name not in self.places]
        missing = [name for name in self.places if name not in given]
        if strict and (unknown or missing):
            lines = [f"Error(s) in reparametrizing for {type(module).__name__}:"]
            if unknown:
                lines.append("Unexpected key(s): " + ", ".join(map(repr, sorted(unknown))) + ".")
            if missing:
                lines.append("Missing key(s): " + ", ".join(map(repr, sorted(missing))) + ".")
            raise RuntimeError("\n\t".join(lines))
        self.given = {name: value for name, value in given.items() if name in self.places}
        for name, value in self.given.items():
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"{value} is not an instance of torch.Tensor: functional_call, name '{name}'")

    def _tied(self, given: dict) -> dict:
        groups: dict = {}
        for name, (table, key) in self.places.items():
            groups.setdefault(id(table[key]), []).append(name)
        result = dict(given)
        for names in groups.values():
            values = [given[name] for name in names if name in given]
            if len(names) < 2 or not values:
                continue
            if any(value is not values[0] for value in values):
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(n for n in names if n in given)}, which are "
                    f"tied. Consider using tie_weights=False"
                )
            result.update(dict.fromkeys(names, values[0]))
        return result

    def __enter__(self):
        self.before = [(table, key, table[key]) for table, key in (self.places[name] for name in self.given)]
        for name, value in self.given.items():
            table, key = self.places[name]
            table[key] = value

    def __exit__(self, *_):
        for table, key, value in reversed(self.before):
            table[key] = value


def stack_module_state(models) -> tuple[dict, dict]:
    """The parameters and the buffers of several modules of one class, each stacked along a new first dimension.

    Returns:
        Two dicts from name to tensor, for ``vmap`` over ``functional_call``.

    Raises:
        RuntimeError: no model, different classes, or some in training and some in evaluation mode.

    Example:
        >>> import facula as torch
        >>> parameters, buffers = torch.func.stack_module_state([torch.nn.Linear(2, 3) for _ in range(4)])
        >>> parameters["weight"].shape
        torch.Size([4, 3, 2])
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(tables: list[dict]) -> dict:
        return {name: _leaf_stack([table[name] for table in tables]) for name in tables[0]}

    parameters = stacked([dict(m.named_parameters()) for m in models])
    return parameters, stacked([dict(m.named_buffers()) for m in models])


def _leaf_stack(tensors: list[Tensor]) -> Tensor:
    from facula.functional import stack

    if all(t.requires_grad for t in tensors):
        return stack([t.detach() for t in tensors]).requires_grad_()
    if any(t.requires_grad for t in tensors):
        raise RuntimeError("Expected tensors from each model to have the same .requires_grad")
    return stack(tensors)


def replace_all_batch_norm_modules_(root):
    """Let every batch normalisation in a module use the statistics of its batch only, which vmap needs.

    Example:
        >>> import facula as torch
        >>> net = torch.func.replace_all_batch_norm_modules_(torch.nn.BatchNorm1d(2))
        >>> net.running_mean is None
        True
    """
    for module in root.modules():
        if hasattr(module, "track_running_stats") and hasattr(module, "num_batches_tracked"):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func, *, remove: str = "mutations"):
    """A function with the same results; there is nothing to remove, because writes in place are differentiated as such.

    Raises:
        RuntimeError: ``remove`` is neither 'mutations' nor 'mutations_and_views'.

    Example:
        >>> import facula as torch
        >>> torch.func.functionalize(lambda x: x.clone().add_(1))(torch.zeros(1))
        tensor([1.])
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
            f"     remove='mutations': all inplace and out= operators will be removed from the program.\n"
            f"     remove='mutations_and_views': In addition to the above, all aliasing operators {{view}} will be "
            f"replaced with their non-aliasing counterparts, {{view}}_copy.\n"
        )

    @wraps(func)
    def wrapped(*args, **kwargs):
        return func(*args, **kwargs)

    return wrapped


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """All samples that a tensor inside vmap stands for, to look at while debugging.

    Example:
        >>> import facula as torch
        >>> def f(x):
        ...     print(torch.func.debug_unwrap(x))
        ...     return x
        >>> y = torch.vmap(f)(torch.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    from facula._C import _level, _physical

    while level := _level(tensor):
        tensor = _physical(tensor, level)
        if not recurse:
            break
    return tensor
