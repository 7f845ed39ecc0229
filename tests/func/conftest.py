"""The samples of tests/ops drive the tests of batching rules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "ops"))
