"""torch.utils.tensorboard: SummaryWriter, through the tensorboard package's own file writer."""

from __future__ import annotations

try:
    import tensorboard as _tensorboard
except ImportError as error:
    raise ImportError("torch.utils.tensorboard needs the tensorboard package: pip install tensorboard") from error

from .writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
