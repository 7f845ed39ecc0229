"""Short-time Fourier transforms: stft and istft, composed of the transforms."""

from __future__ import annotations

import warnings

from facula._C import Tensor
from facula._native import autocasts
from facula.fft.transforms import complex_to_complex, complex_to_real, real_to_complex
from facula.functional.conversion import view_as_real
from facula.functional.creation import arange, ones, zeros
from facula.nn.functional import pad as extend

__all__ = ["istft", "stft"]


def _lengths(name: str, n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if hop_length <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={win_length}")
    return hop_length, win_length


def _window(name: str, window: Tensor | None, n_fft: int, win_length: int, like) -> Tensor:
    """Zeros on both sides up to n_fft."""
    if window is None:
        window = ones(win_length, dtype=like)
    elif window.dim() != 1 or window.shape[0] != win_length:
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={win_length}, but got window with size "
            f"{list(window.shape)}"
        )
    if win_length == n_fft:
        return window
    left = (n_fft - win_length) // 2
    padded = zeros(n_fft, dtype=window.dtype)
    return padded.slice_scatter(window, 0, left, left + win_length)


def _centred(input: Tensor, pad: int, mode: str) -> Tensor:
    sizes = [1] * (3 - input.dim()) + list(input.shape)
    extended = extend(input.reshape(sizes), (pad, pad), mode)
    return extended.reshape(extended.shape[-input.dim() :] if input.dim() else ())


@autocasts("float32")
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The Fourier transforms of windows along a signal: (B, N, T), frequencies by frames.

    Args:
        input: (L,) or (B, L).
        n_fft: points of each transform.
        hop_length: samples from a frame to the next. Default: ``n_fft // 4``.
        win_length: samples under the window. Default: ``n_fft``.
        window: (win_length,); None is a rectangle.
        center: whether frame t is centred at sample t * hop_length; the signal is then padded as ``pad_mode`` says.
        normalized: divide by the square root of n_fft.
        onesided: only the frequencies that are not conjugates of others. Default: for real signals.
        return_complex: False gives the two parts as a last dimension.
        align_to_window: with ``center=False``, begin where the window does.

    Raises:
        RuntimeError: ``return_complex`` is missing for a real signal, or lengths do not fit.

    Example:
        >>> import facula as torch
        >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), center=False, return_complex=True).abs()[:, 0]
        tensor([4., 0., 0.])
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        input = _centred(input, n_fft // 2, pad_mode)
    is_complex = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        if not is_complex:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will further require that "
                "return_complex=True in a future PyTorch release."
            )
        return_complex = True
    if not (input.is_floating_point() or input.is_complex()) or input.dim() not in (1, 2):
        raise RuntimeError(
            f"stft: expected a 1D or 2D tensor of floating point or complex values, but got a {input.dim()}D tensor of "
            f"{input.dtype}"
        )
    hop_length, win_length = _lengths("stft", n_fft, hop_length, win_length)
    batch = input if input.dim() == 2 else input.unsqueeze(0)
    if align_to_window:
        left = (n_fft - win_length) // 2
        batch = batch[:, max(0, -left) :]
    if not 0 < n_fft <= batch.shape[1]:
        raise RuntimeError(f"stft: expected 0 < n_fft < {batch.shape[1]}, but got n_fft={n_fft}")
    onesided = not is_complex if onesided is None else onesided
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = batch.unfold(1, n_fft, hop_length)
    if window is not None or win_length < n_fft:
        frames = frames * _window("stft", window, n_fft, win_length, input.dtype.to_real())
    scale = 1 if normalized else 0
    transform, last = (complex_to_complex, True) if is_complex else (real_to_complex, onesided)
    result = transform(frames, (2,), scale, last).transpose(1, 2)
    result = result.squeeze(0) if input.dim() == 1 else result
    return result if return_complex else view_as_real(result)


def _overlap_added(frames: Tensor, hop_length: int) -> Tensor:
    """(B, T, N) frames, ``hop_length`` apart, summed: (B, N + hop_length (T - 1))."""
    batch, count, points = frames.shape
    places = arange(count).unsqueeze(1) * hop_length + arange(points)
    total = zeros(batch, points + hop_length * (count - 1), dtype=frames.dtype)
    return total.index_add(1, places.reshape(-1), frames.reshape(batch, -1))


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal of which ``stft`` gave the transforms; where frames disagree, the closest in least squares.

    Args:
        input: complex, (N, T) or (B, N, T).
        length: of the signal, which is cut or filled up with zeros. Default: what the frames cover.
        return_complex: whether the signal is complex.
        n_fft, hop_length, win_length, window, center, normalized, onesided: those of ``stft``.

    Raises:
        RuntimeError: the windows leave samples uncovered, or sizes do not fit.

    Example:
        >>> import facula as torch
        >>> x = torch.arange(8.0)
        >>> y = torch.stft(x, 4, window=torch.ones(4), return_complex=True)
        >>> torch.istft(y, 4, window=torch.ones(4)).round()
        tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if input.numel() == 0 or input.dim() not in (2, 3):
        raise RuntimeError(f"istft: expected a 2D or 3D tensor that is not empty, but got shape {list(input.shape)}")
    hop_length, win_length = _lengths("istft", n_fft, hop_length, win_length)
    rows = input.shape[-2]
    onesided = rows != n_fft if onesided is None else onesided
    if rows != (n_fft // 2 + 1 if onesided else n_fft):
        raise RuntimeError(f"istft: {rows} frequencies do not match n_fft={n_fft} with onesided={onesided}")
    if return_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if window is not None and window.is_complex() and not return_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    spectra = (input if input.dim() == 3 else input.unsqueeze(0)).transpose(1, 2)
    scale = 1 if normalized else 2
    if return_complex:
        frames = complex_to_complex(spectra, (2,), scale, False)
    else:
        frames = complex_to_real(spectra if onesided else spectra[..., : n_fft // 2 + 1], (2,), scale, n_fft)
    window = _window("istft", window, n_fft, win_length, input.dtype.to_real())
    signal = _overlap_added(frames * window, hop_length)
    weight = _overlap_added((window * window).expand(1, spectra.shape[1], n_fft), hop_length)
    result = _covered(signal, weight, n_fft // 2 if center else 0, length)
    return result.squeeze(0) if input.dim() == 2 else result


def _covered(signal: Tensor, weight: Tensor, start: int, length: int | None) -> Tensor:
    whole = signal.shape[1]
    end = whole - start if length is None else start + length
    signal, weight = signal[:, start : min(end, whole)], weight[:, start : min(end, whole)]
    least = weight.abs().min().item()
    if least <= 1e-11:  # PyTorch's bound
        raise RuntimeError(f"window overlap add min: {least}: the windows leave samples of the signal uncovered")
    result = signal / weight
    if end <= whole:
        return result
    warnings.warn(
        "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. "
        "Please check your center, hop_length settings.",
        stacklevel=3,
    )
    return extend(result, (0, end - whole))
