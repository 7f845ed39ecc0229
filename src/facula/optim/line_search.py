"""A line search for the strong Wolfe conditions. It knows a function of one number and its slope; no parameters."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from facula import Tensor

    # What is known of a point on the line: step size, loss, gradient, slope along the line.
    Point = tuple[float, float, Tensor, float]


def cubic_minimum(
    x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, bounds: tuple[float, float] | None = None
) -> float:
    """Where the cubic through two points with these values and slopes is least, within the bounds.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, equation 3.59.
    """
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, low), high)


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, Tensor]],
    step_size: float,
    direction: Tensor,
    loss: float,
    grad: Tensor,
    slope: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_iterations: int = 25,
) -> tuple[float, Tensor, float, int]:
    """Find a step that lowers the loss enough (c1) and flattens its slope enough (c2).

    Args:
        evaluate (callable): from step size to (loss, gradient) there.
        step_size (float): first guess.
        direction (Tensor): of the line, flat.
        loss, grad, slope: at step size 0; the slope is the gradient's product with the direction.

    Returns:
        Loss, gradient and step size of the point chosen, and how often `evaluate` was called.

    Source: Nocedal and Wright, algorithms 3.5 (bracket) and 3.6 (zoom).
    """

    def at(t: float) -> Point:
        value, gradient = evaluate(t)
        return t, value, gradient.clone(), gradient.dot(direction).item()

    def falls_short(p: Point) -> bool:
        return p[1] > loss + c1 * p[0] * slope

    def is_flat(p: Point) -> bool:
        return abs(p[3]) <= -c2 * slope

    start: Point = (0.0, loss, grad.clone(), slope)
    previous, current = start, at(step_size)
    trials = 0
    bracket = None
    while trials < max_iterations and bracket is None:
        if falls_short(current) or (trials > 1 and current[1] >= previous[1]):
            bracket = [previous, current]
        elif is_flat(current):
            return current[1], current[2], current[0], trials + 1
        elif current[3] >= 0:
            bracket = [previous, current]
        else:
            # PyTorch's bounds of the next guess
            bounds = (current[0] + 0.01 * (current[0] - previous[0]), current[0] * 10)
            t = cubic_minimum(previous[0], previous[1], previous[3], current[0], current[1], current[3], bounds)
            previous, current = current, at(t)
            trials += 1
    if bracket is None:
        bracket = [start, current]
    smallest = tolerance_change / direction.abs().max().item()
    low, trials = _zoom(at, bracket, falls_short, is_flat, smallest, trials, max_iterations)
    return low[1], low[2], low[0], trials + 1


def _zoom(
    at: Callable[[float], Point],
    bracket: list[Point],
    falls_short: Callable[[Point], bool],
    is_flat: Callable[[Point], bool],
    smallest: float,
    trials: int,
    max_iterations: int,
) -> tuple[Point, int]:
    """Shrink the interval between two points until its better end satisfies both conditions."""
    low, high = sorted(bracket, key=lambda p: p[1])
    was_near_end = False
    while trials < max_iterations and abs(high[0] - low[0]) >= smallest:
        first, second = (low, high) if low[0] <= high[0] else (high, low)
        left, right = first[0], second[0]
        t = cubic_minimum(left, first[1], first[3], right, second[1], second[3])
        # Near an end twice in a row, or at it: go in by a tenth of the interval instead (PyTorch's rule).
        margin = 0.1 * (right - left)
        near_end = min(right - t, t - left) < margin
        if near_end and (was_near_end or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near_end = False
        was_near_end = near_end
        trial = at(t)
        trials += 1
        if falls_short(trial) or trial[1] >= low[1]:
            high = trial
            if high[1] < low[1]:
                low, high = high, low
        elif is_flat(trial):
            return trial, trials
        else:
            if trial[3] * (high[0] - low[0]) >= 0:
                high = low
            low = trial
    return low, trials
