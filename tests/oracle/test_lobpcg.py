"""lobpcg against torch's: eigenvalues, residuals, derivatives, refusals. The iterations themselves are not compared."""

from __future__ import annotations

import pytest
import torch
from compare import assert_values

import facula


def matrix(package):
    torch.manual_seed(0)
    root = torch.randn(12, 12, dtype=torch.float64)
    return package.tensor((root @ root.T + torch.eye(12)).tolist(), dtype=package.float64)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("case", ["plain", "wider", "metric", "preconditioned", "started", "batch", "float32"])
def test_eigenpairs(case, largest):
    results = []
    for p in (facula, torch):
        p.manual_seed(0)
        A, metric = matrix(p), p.eye(12, dtype=p.float64)
        kwargs = {"k": 2, "largest": largest}
        if case == "wider":
            kwargs["n"] = 4
        if case == "metric":
            kwargs["B"] = metric = p.diag(p.arange(1.0, 13.0, dtype=p.float64))
        if case == "preconditioned":
            kwargs["iK"] = p.linalg.inv(A)
        if case == "started":
            kwargs["X"] = p.eye(12, 2, dtype=p.float64)
        if case == "batch":
            A = p.stack((A, 2 * A))
        if case == "float32":
            A, metric = A.float(), metric.float()
        values, vectors = p.lobpcg(A, **kwargs)
        residual = A @ vectors - metric @ vectors * values.unsqueeze(-2)
        assert residual.abs().max() < (1e-5 if A.dtype is p.float64 else 2e-2)
        gram = vectors.mT @ metric @ vectors
        assert (gram - p.eye(2, dtype=A.dtype)).abs().max() < (1e-9 if A.dtype is p.float64 else 1e-4)
        results.append(values)
    assert results[0].shape == tuple(results[1].shape)
    assert_values(*results, "float16" if case == "float32" else "float32")


def test_derivatives():
    gradients = []
    for p in (facula, torch):
        p.manual_seed(0)
        A = matrix(p).requires_grad_()
        values, vectors = p.lobpcg(A, k=2, n=4, tol=1e-14, niter=100)
        signs, weights = vectors[0].sign().detach(), p.arange(24.0, dtype=p.float64).reshape(12, 2)
        loss = (values * values).sum() + (vectors * signs * weights).sum()
        gradients.append(p.autograd.grad(loss, A)[0])
    torch.testing.assert_close(torch.from_dlpack(gradients[0]), gradients[1], rtol=1e-6, atol=1e-8)


def test_refusals():
    A = matrix(facula)
    for call, kind in (
        (lambda: facula.lobpcg(A, k=5), ValueError),
        (lambda: facula.lobpcg(A[:5]), AssertionError),
        (lambda: facula.lobpcg(A.long()), RuntimeError),
        (lambda: facula.lobpcg(A, k=0), ValueError),
        (lambda: facula.lobpcg(A, tracker=print), NotImplementedError),
        (lambda: facula.lobpcg(A.requires_grad_(), B=A.detach()), ValueError),
    ):
        with pytest.raises(kind):
            call()
