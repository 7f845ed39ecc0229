"""``facula.optim.lr_scheduler``: schedules of the learning rate. Re-exports only."""

from facula.optim.lr_scheduler.base import LRScheduler
from facula.optim.lr_scheduler.compose import ChainedScheduler, SequentialLR
from facula.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from facula.optim.lr_scheduler.cyclic import CyclicLR, OneCycleLR
from facula.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from facula.optim.lr_scheduler.plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
