"""torch.serialization: saving and loading under PyTorch's path. Re-exports only; files never run code."""

from facula.io.serialization import load, save

__all__ = ["load", "save"]
