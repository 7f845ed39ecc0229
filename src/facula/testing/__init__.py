"""torch.testing: assert_close, which says what differs and where, and make_tensor, which makes tensors to test with."""

from .comparison import assert_close
from .creation import make_tensor
