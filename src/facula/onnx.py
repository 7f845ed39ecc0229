"""torch.onnx: there is no exporter in this build. What a program asks gets an answer; exporting says why it cannot."""

from __future__ import annotations

__all__ = ["OnnxExporterError", "export", "is_in_onnx_export"]


class OnnxExporterError(RuntimeError):
    """What exporting raises."""


def is_in_onnx_export() -> bool:
    """Whether a model is being exported: False.

    Example:
        >>> import facula.onnx
        >>> facula.onnx.is_in_onnx_export()
        False
    """
    return False


def export(model, args=(), f=None, **kwargs):
    """Refuse to export a model.

    Raises:
        OnnxExporterError: always.

    Example:
        >>> import facula as torch
        >>> torch.onnx.export(torch.nn.Linear(1, 1), (torch.ones(1),), "linear.onnx")
        Traceback (most recent call last):
        facula.onnx.OnnxExporterError: torch.onnx.export: this build of facula has no ONNX exporter; ...
    """
    raise OnnxExporterError(
        "torch.onnx.export: this build of facula has no ONNX exporter; torch.save(model.state_dict(), file) writes "
        "weights that PyTorch loads, and PyTorch exports"
    )
