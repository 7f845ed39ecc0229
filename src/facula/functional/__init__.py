"""The functions of torch.*, one module for each kind. This file only gathers their names."""
# ruff: noqa: F403

from facula.functional.activation import *
from facula.functional.arithmetic import *
from facula.functional.comparison import *
from facula.functional.conversion import *
from facula.functional.creation import *
from facula.functional.exponential import *
from facula.functional.indexing import *
from facula.functional.information import *
from facula.functional.joining import *
from facula.functional.legacy import *
from facula.functional.logical import *
from facula.functional.product import *
from facula.functional.random import *
from facula.functional.reduction import *
from facula.functional.rounding import *
from facula.functional.shape import *
from facula.functional.trigonometry import *
