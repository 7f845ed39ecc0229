"""The functions of torch.*, one module for each kind. This file only gathers their names. A module has its functions in
``__all__`` and those of them that are methods of Tensor too in ``METHODS``. What few programs use is in later.py."""
# ruff: noqa: F403

from facula.functional import (
    activation,
    arithmetic,
    comparison,
    conversion,
    creation,
    exponential,
    indexing,
    information,
    inplace,
    joining,
    legacy,
    logical,
    product,
    random,
    reduction,
    rounding,
    shape,
    sorting,
    trigonometry,
)
from facula.functional.activation import *
from facula.functional.arithmetic import *
from facula.functional.comparison import *
from facula.functional.conversion import *
from facula.functional.creation import *
from facula.functional.exponential import *
from facula.functional.indexing import *
from facula.functional.information import *
from facula.functional.inplace import *
from facula.functional.joining import *
from facula.functional.legacy import *
from facula.functional.logical import *
from facula.functional.product import *
from facula.functional.random import *
from facula.functional.reduction import *
from facula.functional.rounding import *
from facula.functional.shape import *
from facula.functional.sorting import *
from facula.functional.trigonometry import *

# Whose METHODS the Tensor class gets.
MODULES = (
    activation,
    arithmetic,
    comparison,
    conversion,
    creation,
    exponential,
    indexing,
    information,
    inplace,
    joining,
    legacy,
    logical,
    product,
    random,
    reduction,
    rounding,
    shape,
    sorting,
    trigonometry,
)

__all__ = ["random"]  # the module, as in torch.random.fork_rng
__all__ += activation.__all__
__all__ += arithmetic.__all__
__all__ += comparison.__all__
__all__ += conversion.__all__
__all__ += creation.__all__
__all__ += exponential.__all__
__all__ += indexing.__all__
__all__ += information.__all__
__all__ += inplace.__all__
__all__ += joining.__all__
__all__ += legacy.__all__
__all__ += logical.__all__
__all__ += product.__all__
__all__ += random.__all__
__all__ += reduction.__all__
__all__ += rounding.__all__
__all__ += shape.__all__
__all__ += sorting.__all__
__all__ += trigonometry.__all__
