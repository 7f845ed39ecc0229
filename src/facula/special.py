"""torch.special as a module of that path: another name for facula.functional.special."""

import sys

from facula.functional import special

sys.modules[__name__] = special
