"""AdamW: Adam whose weight decay does not pass through the running averages."""

from __future__ import annotations

from facula.optim.adam import Adam
from facula.optim.optimizer import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-3.
        betas (pair of float): decay of the two running averages. Default: (0.9, 0.999).
        eps (float): added to the denominator. Default: 1e-8.
        weight_decay (float): the weights shrink by ``lr * weight_decay`` a step. Default: 1e-2.
        amsgrad, maximize, foreach, capturable, differentiable, fused: as for :class:`Adam`.

    Raises:
        ValueError: a value outside its range.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> torch.optim.AdamW([w]).param_groups[0]["weight_decay"]
        0.01
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, **settings(locals()), decoupled_weight_decay=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # A checkpoint may come from an Adam or from a version without the option: AdamW always decouples.
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
