"""Recurrent layers and cells as functions: torch.lstm and its relatives. A layer is one native call a direction."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import autocasts, native

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]
METHODS = ""

_TANH, _RELU, _LSTM, _GRU = range(4)  # numbers of enum Cell in core/ops/recurrent.cpp


@native
def _recurrent(
    input: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    weight_hr: Tensor | None,
    batch_sizes: tuple[int, ...] | None,
    cell: int,
    reverse: bool,
) -> list[Tensor]:
    """One direction of one layer over packed steps: outputs, what backward needs, the last state (and cell state)."""


@native("linear")
def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias."""


@native("_dropout")
def _dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zero each element with probability ``p`` and divide the others by ``1 - p``, if ``train``."""


def _layers(cell: int, data: Tensor, sizes, states: tuple, params, has_biases: bool, options: tuple):
    """All layers over packed data; gives the outputs and the last states, stacked."""
    num_layers, dropout, train, bidirectional = options
    directions = 2 if bidirectional else 1
    h0, c0 = states
    projected = cell == _LSTM and h0.shape[-1] != c0.shape[-1]
    each = 2 + 2 * has_biases + projected
    if len(params) != each * num_layers * directions:
        raise RuntimeError(
            f"recurrent layer: expected {each} parameters for each of {num_layers} layers and {directions} "
            f"directions, but got {len(params)}"
        )
    last: tuple[list, list] = ([], [])
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            i = layer * directions + direction
            own = list(params[i * each : (i + 1) * each])
            hr = own.pop() if projected else None
            biases = own[2:] if has_biases else (None, None)
            results = _recurrent(
                data, h0[i], None if c0 is None else c0[i], own[0], own[1], *biases, hr, sizes, cell, direction == 1
            )
            outputs.append(results[0])
            for kept, state in zip(last, results[2:]):
                kept.append(state)
        data = outputs[0] if directions == 1 else facula.cat(outputs, 1)
        if dropout and train and layer < num_layers - 1:
            data = _dropout(data, dropout, True)
    return data, [facula.stack(kept) for kept in last if kept]


def _call(cell: int, args: tuple, states: tuple, packed: bool):
    """A layer function's call in either form: (data, batch_sizes, ...) or (input, ..., batch_first)."""
    if packed:
        data, batch_sizes, _, params, has_biases, *rest = args
        result, last = _layers(cell, data, batch_sizes.tolist(), states, params, has_biases, tuple(rest))
        return (result, *last)
    input, _, params, has_biases, num_layers, dropout, train, bidirectional, batch_first = args
    if batch_first:
        input = input.transpose(0, 1)
    steps, batch, features = input.shape
    data = input.reshape(steps * batch, features)
    options = (num_layers, dropout, train, bidirectional)
    result, last = _layers(cell, data, None, states, params, has_biases, options)
    result = result.reshape(steps, batch, -1) if result.numel() else result.reshape(steps, batch, result.shape[1])
    return (result.transpose(0, 1) if batch_first else result, *last)


_NAMES = ("hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")


def _arguments(name: str, args: tuple, kwargs: dict) -> tuple[tuple, bool]:
    """The arguments in order, and whether they are of the packed form."""
    packed = "batch_sizes" in kwargs or (len(args) > 3 and isinstance(args[3], (list, tuple)))
    names = ("data", "batch_sizes", *_NAMES) if packed else ("input", *_NAMES, "batch_first")
    rest = [n for n in names[len(args) :] if n in kwargs]
    if len(args) + len(rest) != len(names) or len(rest) != len(kwargs):
        raise TypeError(f"{name}() takes the arguments {', '.join(names)}, but got {len(args)} and {sorted(kwargs)}")
    return (*args, *[kwargs[n] for n in rest]), packed


@autocasts("lower")
def lstm(*args, **kwargs) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory over a sequence (Hochreiter and Schmidhuber 1997); what :class:`torch.nn.LSTM` calls.

    Args:
        input (Tensor): (T, B, I), or (B, T, I) with ``batch_first``; or ``data`` and ``batch_sizes`` of a packed one.
        hx (tuple of Tensor): (h0, c0), each (layers * directions, B, H).
        params (list of Tensor): the weights, layer by layer.
        has_biases, num_layers, dropout, train, bidirectional, batch_first: as the attributes of the module.

    Returns:
        tuple[Tensor, Tensor, Tensor]: outputs, last h, last c.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> m, h = torch.nn.LSTM(2, 3), torch.zeros(1, 1, 3)
        >>> torch.lstm(torch.ones(4, 1, 2), (h, h), m._flat_weights, True, 1, 0.0, False, False, False)[0].shape
        torch.Size([4, 1, 3])
    """
    args, packed = _arguments("lstm", args, kwargs)
    h0, c0 = args[2 if packed else 1]
    return _call(_LSTM, args, (h0, c0), packed)


@autocasts("first")
def gru(*args, **kwargs) -> tuple[Tensor, Tensor]:
    """Gated recurrent units over a sequence (Cho et al. 2014); what :class:`torch.nn.GRU` calls.

    Args:
        input, hx, params, ...: as for :func:`lstm`, with one state.

    Returns:
        tuple[Tensor, Tensor]: outputs, last h.

    Example:
        >>> import facula as torch
        >>> m, h = torch.nn.GRU(2, 3), torch.zeros(1, 1, 3)
        >>> torch.gru(torch.ones(4, 1, 2), h, m._flat_weights, True, 1, 0.0, False, False, False)[0].shape
        torch.Size([4, 1, 3])
    """
    args, packed = _arguments("gru", args, kwargs)
    return _call(_GRU, args, (args[2 if packed else 1], None), packed)


@autocasts("lower")
def rnn_tanh(*args, **kwargs) -> tuple[Tensor, Tensor]:
    """Elman network with tanh over a sequence; what :class:`torch.nn.RNN` calls.

    Args:
        input, hx, params, ...: as for :func:`lstm`, with one state.

    Returns:
        tuple[Tensor, Tensor]: outputs, last h.

    Example:
        >>> import facula as torch
        >>> m, h = torch.nn.RNN(2, 3), torch.zeros(1, 1, 3)
        >>> torch.rnn_tanh(torch.ones(4, 1, 2), h, m._flat_weights, True, 1, 0.0, False, False, False)[0].shape
        torch.Size([4, 1, 3])
    """
    args, packed = _arguments("rnn_tanh", args, kwargs)
    return _call(_TANH, args, (args[2 if packed else 1], None), packed)


@autocasts("lower")
def rnn_relu(*args, **kwargs) -> tuple[Tensor, Tensor]:
    """Elman network with relu over a sequence; what :class:`torch.nn.RNN` calls.

    Args:
        input, hx, params, ...: as for :func:`lstm`, with one state.

    Returns:
        tuple[Tensor, Tensor]: outputs, last h.

    Example:
        >>> import facula as torch
        >>> m, h = torch.nn.RNN(2, 3, nonlinearity="relu"), torch.zeros(1, 1, 3)
        >>> torch.rnn_relu(torch.ones(4, 1, 2), h, m._flat_weights, True, 1, 0.0, False, False, False)[0].shape
        torch.Size([4, 1, 3])
    """
    args, packed = _arguments("rnn_relu", args, kwargs)
    return _call(_RELU, args, (args[2 if packed else 1], None), packed)


def _sums(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih, b_hh) -> tuple[Tensor, Tensor]:
    if input.shape[-1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected {w_ih.shape[1]}")
    if hx.shape[-1] != w_hh.shape[1]:
        raise RuntimeError(f"hidden has inconsistent hidden_size: got {hx.shape[-1]}, expected {w_hh.shape[1]}")
    return _linear(input, w_ih, b_ih), _linear(hx, w_hh, b_hh)


@autocasts("lower")
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """tanh(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        input, hx (Tensor): (B, I) and (B, H).
        w_ih, w_hh (Tensor): (H, I) and (H, H).
        b_ih, b_hh (Tensor): (H,). Optional.

    Example:
        >>> import facula as torch
        >>> torch.rnn_tanh_cell(torch.zeros(1, 2), torch.zeros(1, 1), torch.ones(1, 2), torch.ones(1, 1))
        tensor([[0.]])
    """
    a, b = _sums(input, hx, w_ih, w_hh, b_ih, b_hh)
    return (a + b).tanh()


@autocasts("lower")
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """relu(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        input, hx, w_ih, w_hh, b_ih, b_hh: as for :func:`rnn_tanh_cell`.

    Example:
        >>> import facula as torch
        >>> torch.rnn_relu_cell(torch.ones(1, 2), torch.zeros(1, 1), torch.ones(1, 2), torch.ones(1, 1))
        tensor([[2.]])
    """
    a, b = _sums(input, hx, w_ih, w_hh, b_ih, b_hh)
    return (a + b).relu()


@autocasts("first")
def lstm_cell(
    input: Tensor, hx, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of :func:`lstm`.

    Args:
        input (Tensor): (B, I).
        hx (tuple of Tensor): (h, c), each (B, H).
        w_ih, w_hh (Tensor): (4 H, I) and (4 H, H): input, forget, cell and output gates.
        b_ih, b_hh (Tensor): (4 H,). Optional.

    Returns:
        tuple[Tensor, Tensor]: the next h and c.

    Example:
        >>> import facula as torch
        >>> z = torch.zeros(1, 1)
        >>> torch.lstm_cell(z, (z, z), torch.ones(4, 1), torch.ones(4, 1))
        (tensor([[0.]]), tensor([[0.]]))
    """
    h, c = hx
    a, b = _sums(input, h, w_ih, w_hh, b_ih, b_hh)
    i, f, g, o = (a + b).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


@autocasts("first")
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of :func:`gru`.

    Args:
        input, hx (Tensor): (B, I) and (B, H).
        w_ih, w_hh (Tensor): (3 H, I) and (3 H, H): reset, update and new gates.
        b_ih, b_hh (Tensor): (3 H,). Optional.

    Example:
        >>> import facula as torch
        >>> z = torch.zeros(1, 1)
        >>> torch.gru_cell(z, z, torch.ones(3, 1), torch.ones(3, 1))
        tensor([[0.]])
    """
    a, b = _sums(input, hx, w_ih, w_hh, b_ih, b_hh)
    (ar, az, an), (br, bz, bn) = a.chunk(3, -1), b.chunk(3, -1)
    z, n = (az + bz).sigmoid(), (an + (ar + br).sigmoid() * bn).tanh()
    return n + z * (hx - n)
