"""torch.linalg as a module of that path: another name for facula.functional.linalg."""

import sys

from facula.functional import linalg

sys.modules[__name__] = linalg
