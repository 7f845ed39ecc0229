"""torch.types: names for annotations."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, Union

from facula import Size, Tensor, device, dtype, layout
from facula._tensor.storage import UntypedStorage
from facula._tensor.typed_storage import TypedStorage

_dtype, _device, _layout, _size = dtype, device, layout, Union[Size, list[int], tuple[int, ...]]  # noqa: UP007
_int, _float, _bool, _complex, _symint = builtins.int, builtins.float, builtins.bool, builtins.complex, builtins.int
_TensorOrTensors = Union[Tensor, Sequence[Tensor]]  # noqa: UP007

Device = Union[device, str, int, None]  # noqa: UP007
Number = Union[int, float, bool]  # noqa: UP007
FileLike = Union[str, os.PathLike, IO[bytes]]  # noqa: UP007
Storage = Union[UntypedStorage, TypedStorage]  # noqa: UP007
IntLikeType, FloatLikeType, BoolLikeType, PyNumber = int, float, bool, Union[int, float, complex]  # noqa: UP007
