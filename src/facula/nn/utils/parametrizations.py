"""Ready-made parametrizations: weight, spectral and orthogonal normalisation."""

from __future__ import annotations

import facula
from facula import Tensor

from ..functional.normalization import normalize
from ..modules.module import Module
from . import parametrize

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _norm_except(v: Tensor, dim: int) -> Tensor:
    """2-norm over all dimensions but one, kept; dim -1 is over all."""
    if dim == -1:
        return facula.linalg.vector_norm(v)
    dims = [d for d in range(v.dim()) if d != dim % v.dim()]
    return facula.linalg.vector_norm(v, 2, dims, True) if dims else v.abs()


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / _norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor):
        """Length and direction of a weight."""
        return _norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Train length and direction of a weight apart (Salimans and Kingma 2016).

    Args:
        module (Module): has it.
        name (str): Default: "weight".
        dim (int): the dimension with a length for each index; None: one length. Default: 0.

    Returns:
        Module: ``module``.

    Example:
        >>> import facula as torch
        >>> m = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 3))
        >>> m.parametrizations.weight.original0.shape
        torch.Size([3, 1])
    """
    parametrization = _WeightNorm(dim)
    parametrize.register_parametrization(module, name, parametrization, unsafe=True)

    def load_old_names(state_dict, prefix, local_metadata, strict, missing, unexpected, errors):
        for old, new in (("_g", "original0"), ("_v", "original1")):
            key = f"{prefix}{name}{old}"
            if key in state_dict:
                state_dict[f"{prefix}parametrizations.{name}.{new}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(load_old_names)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if dim >= weight.dim() or dim < -weight.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.dim()}, {weight.dim() - 1}] "
                f"but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + weight.dim()
        self.eps = eps
        if weight.dim() > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight)
            rows, columns = matrix.shape
            u, v = matrix.new_empty(rows).normal_(0, 1), matrix.new_empty(columns).normal_(0, 1)
            self.register_buffer("_u", normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)  # PyTorch's number of steps at the start

    def _matrix(self, weight: Tensor) -> Tensor:
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.dim()) if d != self.dim])
        return weight.flatten(1)

    def _power_method(self, matrix: Tensor, steps: int) -> None:
        with facula.no_grad():
            for _ in range(steps):
                self._u.copy_(normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(normalize(matrix.t() @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._power_method(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / (u * (matrix @ v)).sum()

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value (Miyato et al. 2018).

    Args:
        module (Module): has it.
        name (str): Default: "weight".
        n_power_iterations (int): steps of the estimate in each forward of training. Default: 1.
        eps (float): least norm. Default: 1e-12.
        dim (int): the rows; Default: 0, and 1 for transposed convolutions.

    Returns:
        Module: ``module``.

    Raises:
        ValueError: no such tensor.

    Example:
        >>> import facula as torch
        >>> m = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 4))
        >>> bool((torch.linalg.matrix_norm(m.weight, 2) - 1).abs() < 0.1)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


class _Orthogonal(Module):
    base: Tensor

    def __init__(self, weight: Tensor, map_name: str, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and map_name == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.map_name = map_name
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        n, k = X.shape[-2:]
        transposed = n < k
        if transposed:
            X, n, k = X.mT, k, n
        if self.map_name == "householder":
            Q = facula.linalg.householder_product(X, 2.0 / (1.0 + X.tril(-1).square().sum(-2)))
            Q = Q * X.diagonal(dim1=-2, dim2=-1).int().to(X.dtype).unsqueeze(-2)
        else:
            X = X.tril()
            if n != k:
                X = facula.cat([X, X.new_zeros(*X.shape[:-2], n, n - k)], -1)
            A = X - X.mH
            if self.map_name == "matrix_exp":
                Q = facula.matrix_exp(A)
            else:
                one = facula.eye(n, dtype=A.dtype, device=A.device)
                Q = facula.linalg.solve(one - 0.5 * A, one + 0.5 * A)
            Q = Q[..., :k]
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if transposed else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        """An original whose result is (close to) Q."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        n, k = Q.shape[-2:]
        transposed = n < k
        if transposed:
            Q, n, k = Q.mT, k, n
        if not hasattr(self, "base"):
            if self.map_name != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            A, tau = facula.geqrf(Q)
            A.diagonal(dim1=-2, dim2=-1).sign_()
            A.diagonal(dim1=-2, dim2=-1)[tau == 0.0] *= -1
            return A.mT if transposed else A
        if n == k:
            self.base = _orthonormal(Q) if not _is_orthonormal(Q) else Q.clone()
        else:
            extra = facula.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)
            self.base = _orthonormal(facula.cat([Q, extra], -1))
        eye = facula.zeros_like(Q)
        eye.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # what Householder reflections of zeros need; the others ignore it
        return eye.mT if transposed else eye


def _is_orthonormal(Q: Tensor) -> bool:
    one = facula.eye(Q.shape[-1], dtype=Q.dtype, device=Q.device)
    return facula.allclose(Q.mH @ Q, one, atol=10.0 * Q.shape[-1] * facula.finfo(Q.dtype).eps)


def _orthonormal(A: Tensor) -> Tensor:
    """The Q of A = QR with a positive diagonal of R."""
    Q, R = facula.linalg.qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a matrix orthogonal (orthonormal columns, or rows if it is wide).

    Args:
        module (Module): has it.
        name (str): Default: "weight".
        orthogonal_map (str): "matrix_exp", "cayley" or "householder". Default: the first for square matrices, else the
            last.
        use_trivialization (bool): start from the present matrix as base. Default: True.

    Returns:
        Module: ``module``.

    Raises:
        ValueError: no such tensor, less than two dimensions, or an unknown map.

    Example:
        >>> import facula as torch
        >>> m = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 3), orthogonal_map="cayley")
        >>> torch.allclose(m.weight @ m.weight.T, torch.eye(3), atol=1e-5)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    parametrization = _Orthogonal(weight, orthogonal_map, use_trivialization)
    parametrize.register_parametrization(module, name, parametrization, unsafe=True)
    return module
