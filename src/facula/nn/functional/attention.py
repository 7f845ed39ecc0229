"""Attention: scaled dot products, and the multi-head form with its projections."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts, native

from .activation import softmax
from .dropout import dropout
from .linear import linear

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


@native
def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """Attention in blocks over (N, heads, length, features); also gives the logarithms of the rows' sums."""


@autocasts("lower")
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale Q K^T + mask) V (Vaswani et al. 2017, equation 1), without making the matrix of scores.

    Args:
        query (Tensor): (N, ..., L, E).
        key (Tensor): (N, ..., S, E).
        value (Tensor): (N, ..., S, Ev).
        attn_mask (Tensor): broadcasts to (N, ..., L, S); bool: True takes part, otherwise added. Optional.
        dropout_p (float): probability, on the weights. Default: 0.0.
        is_causal (bool): query i sees keys 0 to i. Default: False.
        scale (float): Default: 1 / sqrt(E).
        enable_gqa (bool): several heads of the query may share one of key and value. Default: False.

    Returns:
        Tensor: (N, ..., L, Ev). A query that sees no key gives zeros.

    Raises:
        RuntimeError: the shapes or types do not fit.

    Example:
        >>> import facula as torch
        >>> q = torch.ones(1, 1, 2, 4)
        >>> torch.nn.functional.scaled_dot_product_attention(q, q, torch.tensor([[[[1.0], [3.0]]]]))
        tensor([[[[2.],
                  [2.]]]])
    """
    _check(query, key, value, attn_mask, is_causal)
    if scale is None:
        scale = 1.0 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    simple = query.dim() == 4 and query.shape[:2] == key.shape[:2] == value.shape[:2]
    if enable_gqa and query.dim() >= 3 and not simple:
        heads, shared = query.shape[-3], key.shape[-3]
        if not shared or heads % shared or heads % value.shape[-3]:
            raise RuntimeError(
                "Expected the number of heads of query to be a multiple of those of key and value with "
                f"enable_gqa=True, but got {heads}, {shared} and {value.shape[-3]}"
            )
        grouped = query.dim() == 4 and query.shape[0] == key.shape[0] and key.shape[:2] == value.shape[:2]
        if not grouped or dropout_p > 0.0:
            key = key.repeat_interleave(heads // shared, -3)
            value = value.repeat_interleave(heads // value.shape[-3], -3)
        simple = grouped
    if dropout_p > 0.0 or (attn_mask is not None and attn_mask.requires_grad):
        return _composed(query, key, value, attn_mask, dropout_p, is_causal, scale)
    if simple:
        return _attention(query, key, value, attn_mask, is_causal, scale)[0]
    lead = facula.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    if len(lead) > 2 and attn_mask is not None and attn_mask.dim() > 2:
        return _composed(query, key, value, attn_mask, dropout_p, is_causal, scale)
    n = 1 if len(lead) < 2 else math.prod(lead[:-1])
    shape = (n, lead[-1] if lead else 1)
    parts = [t.expand(*lead, *t.shape[-2:]).reshape(*shape, *t.shape[-2:]) for t in (query, key, value)]
    result = _attention(*parts, attn_mask, is_causal, scale)[0]
    return result.reshape(*lead, *result.shape[-2:])


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool) -> None:
    if not (query.dtype == key.dtype == value.dtype):
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead."
        )
    if query.dim() < 2 or key.dim() < 2 or value.dim() < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be at least 2 dimensional, but got query.dim(): "
            f"{query.dim()}, key.dim(): {key.dim()} and value.dim(): {value.dim()} instead."
        )
    if attn_mask is not None:
        if is_causal:
            raise RuntimeError("Explicit attn_mask should not be set when is_causal=True")
        if attn_mask.dtype not in (facula.bool, query.dtype, facula.float32):
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{attn_mask.dtype} and query.dtype: {query.dtype} instead."
            )


def _composed(query, key, value, attn_mask, dropout_p: float, is_causal: bool, scale: float) -> Tensor:
    """The same in tensor operations, as PyTorch's reference has them: for dropout, and for a learned mask."""
    if query.element_size() == 2:  # half types are rounded once, at the end
        mask = attn_mask if attn_mask is None or attn_mask.dtype is facula.bool else attn_mask.float()
        result = _composed(query.float(), key.float(), value.float(), mask, dropout_p, is_causal, scale)
        return result.to(query.dtype)
    if is_causal:
        attn_mask = facula.ones(query.shape[-2], key.shape[-2], dtype=facula.bool).tril()
    root = math.sqrt(scale) if scale >= 0 else None
    scores = (query * root) @ (key.transpose(-2, -1) * root) if root is not None else query @ key.mT * scale
    if attn_mask is not None:
        if attn_mask.dtype == facula.bool:
            attn_mask = facula.zeros((), dtype=query.dtype).where(attn_mask, -math.inf)
        scores = scores + attn_mask
    weights = softmax(scores, -1)
    unseen = (scores == -math.inf).all(-1, keepdim=True)
    weights = weights.masked_fill(unseen, 0.0)
    return dropout(weights, dropout_p) @ value


def _projected(query, key, value, embed_dim: int, weights, bias) -> tuple[Tensor, Tensor, Tensor]:
    """Q, K and V from one stacked weight or from three."""
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    if isinstance(weights, tuple):
        return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))  # type: ignore[return-value]
    if key is value and query is key:  # one product; the three parts lie apart in memory, as PyTorch has them
        joined = linear(query, weights, bias)
        parts = joined.unflatten(-1, (3, embed_dim)).unsqueeze(0).transpose(0, -2).squeeze(-2)
        return tuple(parts.contiguous().unbind(0))  # type: ignore[return-value]
    rows = weights.split(embed_dim)
    return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), rows, biases))  # type: ignore[return-value]


def _additive(mask: Tensor | None, dtype, name: str) -> Tensor | None:
    """A mask of bools, True where a key is hidden, as what is added to the scores."""
    if mask is None or mask.is_floating_point():
        return mask
    if mask.dtype != facula.bool:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return facula.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf)


def _check_mask(mask: Tensor, expected: dict) -> Tensor:
    if mask.dim() not in expected:
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if tuple(mask.shape) != expected[mask.dim()]:
        raise RuntimeError(
            f"The shape of the {mask.dim()}D attn_mask is {tuple(mask.shape)}, but should be {expected[mask.dim()]}."
        )
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _check_shapes(query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, attn_mask, num_heads: int) -> bool:
    """Whether the inputs are a batch."""
    if query.dim() not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor"
        )
    batched = query.dim() == 3
    if key.dim() != query.dim() or value.dim() != query.dim():
        raise AssertionError(
            f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`, expected `key` and `value` to be "
            f"{query.dim()}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if padding is not None and padding.dim() != query.dim() - 1:
        raise AssertionError(
            f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`, expected `key_padding_mask` to be "
            f"`None` or {query.dim() - 1}-D but found {padding.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(
                f"expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead"
            )
        if not batched and attn_mask.dim() == 3:
            expected = (num_heads, query.shape[0], key.shape[0])
            if tuple(attn_mask.shape) != expected:
                raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {tuple(attn_mask.shape)}")
    return batched


def _with_extra_keys(k, v, bias_k, bias_v, add_zero_attn: bool, masks: list) -> tuple[Tensor, Tensor, list]:
    """Append the learned key and the zero key to (N, heads, S, E), and columns that show them to the masks."""
    n, heads = k.shape[:2]
    extras = []
    if bias_k is not None:

        def row(t):
            return t.reshape(1, heads, 1, -1).expand(n, heads, 1, t.shape[-1] // heads)

        extras.append((row(bias_k), row(bias_v)))
    if add_zero_attn:
        extras.append((k.new_zeros(n, heads, 1, k.shape[-1]), v.new_zeros(n, heads, 1, v.shape[-1])))
    if not extras:
        return k, v, masks
    k = facula.cat([k, *[e[0] for e in extras]], 2)
    v = facula.cat([v, *[e[1] for e in extras]], 2)
    masks = [m if m is None else facula.cat([m, m.new_zeros(*m.shape[:-1], len(extras))], -1) for m in masks]
    return k, v, masks


def _check_sizes(query, key, value, embed_dim: int, num_heads: int, separate: bool) -> int:
    """Refuse sizes that do not fit together; the size of a head."""
    if query.shape[2] != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {query.shape[2]}")
    head_dim = embed_dim // num_heads
    if head_dim * num_heads != embed_dim:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if key.shape[:2] != value.shape[:2] and separate:
        raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
    if key.shape != value.shape and not separate:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    return head_dim


def _joined(mask, padding, scores: tuple[int, int, int, int]):
    """Both masks, added to scores of that shape, as one."""
    n, heads, length, keys = scores
    if mask is not None:
        mask = mask.reshape(n, heads, length, -1) if mask.shape[0] != 1 else mask.unsqueeze(0)
    if padding is None:
        return mask
    if tuple(padding.shape) != (n, keys):
        raise AssertionError(f"expecting key_padding_mask shape of {(n, keys)}, but got {tuple(padding.shape)}")
    padding = padding.reshape(n, 1, 1, -1)
    return padding if mask is None else mask + padding


def _weighed(q, k, v, mask, dropped: float):
    """Attention whose weights are wanted too."""
    scores = (q * math.sqrt(1.0 / q.shape[-1])) @ k.transpose(-2, -1)
    attention = softmax(scores if mask is None else scores + mask, -1)
    attention = dropout(attention, dropped) if dropped > 0.0 else attention
    return attention @ v, attention


def _unweighed(q, k, v, mask, dropped: float):
    """Attention whose weights are never all in memory."""
    return scaled_dot_product_attention(q, k, v, mask, dropped), None


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What :class:`torch.nn.MultiheadAttention` computes, with all parameters as arguments; lengths come first.

    Args:
        query, key, value (Tensor): (L, N, E), (S, N, Ek), (S, N, Ev), or without N.
        embed_dim_to_check, num_heads (int): E, and the heads that divide it.
        in_proj_weight, in_proj_bias, q_proj_weight, k_proj_weight, v_proj_weight, out_proj_weight, out_proj_bias,
            bias_k, bias_v, add_zero_attn: parameters of the module.
        dropout_p, training: dropout on the weights, in training.
        key_padding_mask (Tensor): (N, S), bool (True hides) or added. Optional.
        need_weights (bool): also give the weights. Default: True.
        attn_mask (Tensor): (L, S) or (N heads, L, S), bool (True hides) or added. Optional.
        use_separate_proj_weight (bool): three weights instead of one. Default: False.
        static_k, static_v (Tensor): (N heads, S, E / heads), in place of projections. Optional.
        average_attn_weights (bool): give the mean of the weights over heads. Default: True.
        is_causal (bool): a hint that ``attn_mask`` is causal. Default: False.

    Returns:
        tuple[Tensor, Tensor or None]: (L, N, E) and (N, L, S), or (N, heads, L, S).

    Raises:
        AssertionError: the shapes do not fit.
        RuntimeError: a mask does not fit.

    Example:
        >>> import facula as torch
        >>> m, x = torch.nn.MultiheadAttention(4, 2), torch.ones(3, 1, 4)
        >>> own = (m.in_proj_weight, m.in_proj_bias, None, None, False, 0.0, m.out_proj.weight, m.out_proj.bias)
        >>> torch.nn.functional.multi_head_attention_forward(x, x, x, 4, 2, *own)[0].shape
        torch.Size([3, 1, 4])
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    same = query is key and key is value
    if not batched:
        query, key, value = (query.unsqueeze(1),) * 3 if same else (t.unsqueeze(1) for t in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, embed_dim = query.shape
    head_dim = _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    padding = _additive(key_padding_mask, query.dtype, "key_padding_mask")
    mask = _additive(attn_mask, query.dtype, "attn_mask")
    if mask is not None:
        keys = key.shape[0]
        mask = _check_mask(mask, {2: (length, keys), 3: (n * num_heads, length, keys)})
    projected = _projected(query, key, value, embed_dim, weights, in_proj_bias)
    q, k, v = (x.reshape(x.shape[0], n, num_heads, head_dim).permute(1, 2, 0, 3) for x in projected)
    if static_k is not None:
        k = static_k.reshape(n, num_heads, *static_k.shape[1:])
    if static_v is not None:
        v = static_v.reshape(n, num_heads, *static_v.shape[1:])
    k, v, (mask, padding) = _with_extra_keys(k, v, bias_k, bias_v, add_zero_attn, [mask, padding])
    mask = _joined(mask, padding, (n, num_heads, length, k.shape[2]))
    attend = _weighed if need_weights else _unweighed
    result, attention = attend(q, k, v, mask, dropout_p if training else 0.0)
    result = result.permute(2, 0, 1, 3).reshape(length * n, embed_dim)
    result = linear(result, out_proj_weight, out_proj_bias).reshape(length, n, -1)
    if attention is not None and average_attn_weights:
        attention = attention.mean(1)
    if not batched:
        result = result.squeeze(1)
        attention = None if attention is None else attention.squeeze(0)
    return result, attention
