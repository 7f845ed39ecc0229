"""torch.return_types as a module of that path: another name for facula.functional.return_types."""

import sys

from facula.functional import return_types

sys.modules[__name__] = return_types
