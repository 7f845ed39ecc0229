"""Files: PyTorch checkpoints and safetensors, read and written as data. Nothing here executes what it reads."""

from .serialization import load, save
