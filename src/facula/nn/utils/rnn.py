"""Sequences of different lengths: padded into one tensor, or packed step by step for recurrent layers."""

from __future__ import annotations

from collections import namedtuple

import facula
from facula import Tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip

_Packed = namedtuple("PackedSequence", ("data", "batch_sizes", "sorted_indices", "unsorted_indices"))  # type: ignore
_Packed.__annotations__ = {}


class PackedSequence(_Packed):
    """The elements of several sequences, first all first ones, then all second ones, and so on.

    Args:
        data (Tensor): (total, *).
        batch_sizes (Tensor): how many sequences have a first, second... element; int64.
        sorted_indices (Tensor): order of the sequences, longest first. Optional.
        unsorted_indices (Tensor): its inverse. Optional.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])[:2]
        (tensor([1, 3, 2]), tensor([2, 1]))
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise ValueError("PackedSequence: give data and batch_sizes")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequence in "
                "nn.utils.rnn."
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Tensor):
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args, **kwargs):
        """Move or convert the data.

        Args:
            *args, **kwargs: as for :meth:`Tensor.to`.

        Returns:
            PackedSequence
        """
        return self._with(self.data.to(*args, **kwargs))

    def cpu(self, *args, **kwargs):
        """The data on the CPU."""
        return self.to(*args, device="cpu", **kwargs)

    def cuda(self, *args, **kwargs):
        """The data on a GPU."""
        return self._with(self.data.cuda(*args, **kwargs))

    def pin_memory(self):
        """The data in pinned memory."""
        return self._with(self.data.pin_memory())

    def double(self):
        """The data as float64."""
        return self.to(dtype=facula.double)

    def float(self):
        """The data as float32."""
        return self.to(dtype=facula.float)

    def half(self):
        """The data as float16."""
        return self.to(dtype=facula.half)

    def long(self):
        """The data as int64."""
        return self.to(dtype=facula.long)

    def int(self):
        """The data as int32."""
        return self.to(dtype=facula.int)

    def short(self):
        """The data as int16."""
        return self.to(dtype=facula.short)

    def char(self):
        """The data as int8."""
        return self.to(dtype=facula.int8)

    def byte(self):
        """The data as uint8."""
        return self.to(dtype=facula.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data are on a GPU."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data are in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another.

    Args:
        permutation (Tensor): int64; None gives None.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
        tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    output = facula.empty_like(permutation)
    return output.scatter_(0, permutation, facula.arange(permutation.numel(), device=permutation.device))


def pack_padded_sequence(
    input: Tensor, lengths, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack sequences that are padded to one length.

    Args:
        input (Tensor): (T, B, *), or (B, T, *) with ``batch_first``.
        lengths (Tensor or list of int): of the sequences.
        batch_first (bool): Default: False.
        enforce_sorted (bool): the lengths must not increase; False sorts. Default: True.

    Raises:
        RuntimeError: a length is not positive or not in order, or their number is wrong.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[1, 3], [2, 0]])
        >>> torch.nn.utils.rnn.pack_padded_sequence(x, [2, 1]).data
        tensor([1, 3, 2])
    """
    if not isinstance(lengths, Tensor):
        lengths = facula.tensor(lengths, dtype=facula.int64)
    order = None
    if not enforce_sorted:
        counts = lengths.tolist()
        order = facula.tensor(sorted(range(len(counts)), key=lambda i: -counts[i]), dtype=facula.int64)
        lengths = lengths[order]
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    counts = lengths.tolist()
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(counts) != input.shape[1]:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)}.")
    if min(counts) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if counts != sorted(counts, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if counts[0] > input.shape[0]:
        raise RuntimeError(f"Expected lengths of at most {input.shape[0]}, but got {counts[0]}")
    sizes = [sum(n > t for n in counts) for t in range(counts[0])]
    data = facula.cat([input[t, :n] for t, n in enumerate(sizes)])
    return PackedSequence(data, facula.tensor(sizes, dtype=facula.int64), order, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`.

    Args:
        sequence (PackedSequence): any.
        batch_first (bool): give (B, T, *). Default: False.
        padding_value (float): Default: 0.
        total_length (int): pad to that length. Optional.

    Returns:
        tuple[Tensor, Tensor]: (T, B, *) and the lengths.

    Raises:
        ValueError: ``total_length`` is less than the longest sequence.

    Example:
        >>> import facula as torch
        >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
        >>> torch.nn.utils.rnn.pad_packed_sequence(packed)
        (tensor([[1, 3],
                [2, 0]]), tensor([2, 1]))
    """
    sizes = sequence.batch_sizes.tolist()
    if total_length is not None and total_length < len(sizes):
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {len(sizes)}"
        )
    data, batch, rows, at = sequence.data, sizes[0], [], 0
    rest = data.shape[1:]
    for size in sizes:
        step = data[at : at + size]
        at += size
        rows.append(step if size == batch else facula.cat([step, step.new_full((batch - size, *rest), padding_value)]))
    missing = (total_length or len(sizes)) - len(sizes)
    rows.extend([data.new_full((batch, *rest), padding_value)] * missing)
    padded = facula.stack(rows)
    lengths = facula.tensor([sum(n > b for n in sizes) for b in range(batch)], dtype=facula.int64)
    order = sequence.unsorted_indices
    if order is not None:
        padded, lengths = padded.index_select(1, order), lengths[order]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences of different lengths, padded to the longest.

    Args:
        sequences (list of Tensor): each (T_i, *).
        batch_first (bool): give (B, T, *) instead of (T, B, *). Default: False.
        padding_value (float): Default: 0.
        padding_side (str): "right" or "left". Default: "right".

    Raises:
        RuntimeError: no sequences, or another side.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
        tensor([[1, 2],
                [3, 0]])
    """
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    elif not hasattr(sequences, "__iter__"):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = tuple(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(s.shape[0] for s in sequences)
    padded = []
    for s in sequences:
        if s.shape[0] < longest:
            fill = s.new_full((longest - s.shape[0], *s.shape[1:]), padding_value)
            s = facula.cat([s, fill] if padding_side == "right" else [fill, s])
        padded.append(s)
    return facula.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Undo :func:`pad_sequence`.

    Args:
        padded_sequences (Tensor): (T, B, *), or (B, T, *) with ``batch_first``.
        lengths (Tensor): of the sequences.
        batch_first (bool): Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.rnn.unpad_sequence(torch.tensor([[1, 3], [2, 0]]), torch.tensor([2, 1]))
        [tensor([1, 2]), tensor([3])]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(padded_sequences, lengths.tolist())]


def pack_sequence(sequences, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences.

    Args:
        sequences (list of Tensor): each (T_i, *).
        enforce_sorted (bool): the lengths must not increase; False sorts. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).batch_sizes
        tensor([2, 1])
    """
    lengths = facula.tensor([s.shape[0] for s in sequences], dtype=facula.int64)
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo :func:`pack_sequence`.

    Args:
        packed_sequences (PackedSequence): any.

    Example:
        >>> import facula as torch
        >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
        >>> torch.nn.utils.rnn.unpack_sequence(packed)
        [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
