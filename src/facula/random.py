"""torch.random as a module of that path: another name for facula.functional.random."""

import sys

from facula.functional import random

sys.modules[__name__] = random
