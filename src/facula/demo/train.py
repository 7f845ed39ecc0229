"""Trains the demo's network, prints a table as it goes, saves a checkpoint and reports."""

from __future__ import annotations

import os
import sys
import time

import facula
from facula import nn, optim
from facula.demo.data import DemoError, build_model, load
from facula.optim import lr_scheduler
from facula.utils.data import DataLoader, TensorDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from facula import Tensor

__all__ = ["OPTIMIZERS", "train"]

# name -> how to make it, and the learning rate it starts with: those reach the demo's accuracy for every seed tried
OPTIMIZERS: dict[str, tuple[Callable[..., Any], float]] = {
    "sgd": (lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9), 0.1),
    "adam": (lambda params, lr: optim.Adam(params, lr=lr), 1e-3),
    "adamw": (lambda params, lr: optim.AdamW(params, lr=lr), 1e-3),
    "rmsprop": (lambda params, lr: optim.RMSprop(params, lr=lr), 1e-3),
    "adagrad": (lambda params, lr: optim.Adagrad(params, lr=lr), 1e-2),
    "adadelta": (lambda params, lr: optim.Adadelta(params, lr=lr), 1.0),
}
_EPOCHS = {"digits": 20, "mnist": 5}
_EVALUATION_ROWS = 2000  # at once, to bound memory


def _progress(total: int) -> Any:
    """A tqdm bar on a terminal, where tqdm is installed, else None."""
    if not sys.stderr.isatty():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=total, unit="batch", leave=False)


def _say(bar: Any, line: str) -> None:
    if bar is None:
        print(line, flush=True)
    else:
        bar.write(line, file=sys.stdout)


def evaluate(model: nn.Module, data: TensorDataset) -> tuple[float, Tensor]:
    """The mean loss and the scores (N, 10) of a model on a data set."""
    inputs, targets = data.tensors
    with facula.no_grad():
        scores = facula.cat([model(rows) for rows in inputs.split(_EVALUATION_ROWS)])
        loss = nn.functional.cross_entropy(scores, targets)
    return loss.item(), scores


def accuracy(scores: Tensor, targets: Tensor) -> float:
    """The share of rows whose largest score is at the target."""
    return (scores.argmax(1) == targets).to(facula.float32).mean().item()


def _epoch(
    model: nn.Module, optimizer: optim.Optimizer, schedule: lr_scheduler.LRScheduler, loader: DataLoader, bar: Any
) -> list[float]:
    """One pass through the data; the loss of each batch."""
    criterion = nn.CrossEntropyLoss()
    losses = []
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if bar is not None:
            bar.update()
    return losses


def _fit(
    options: argparse.Namespace, model: nn.Module, training: TensorDataset, test: TensorDataset
) -> tuple[list[float], Tensor]:
    """Train and print the table; the loss of every batch, and the test scores after the last epoch."""
    make, default_lr = OPTIMIZERS[options.optimizer]
    optimizer = make(model.parameters(), default_lr if options.lr is None else options.lr)
    loader = DataLoader(training, batch_size=options.batch_size, shuffle=True)
    epochs = options.epochs or _EPOCHS[options.dataset]
    # The rate falls to zero along half a cosine wave, so that the last epochs settle instead of jumping about.
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    losses: list[float] = []
    bar = _progress(epochs * len(loader))
    try:
        _say(bar, "epoch  train loss  train acc  test loss  test acc  seconds")
        for epoch in range(1, epochs + 1):
            start = time.perf_counter()
            losses += _epoch(model, optimizer, schedule, loader, bar)
            seconds = time.perf_counter() - start
            train_loss, train_scores = evaluate(model, training)
            test_loss, test_scores = evaluate(model, test)
            train_share = accuracy(train_scores, training.tensors[1])
            test_share = accuracy(test_scores, test.tensors[1])
            train_part, test_part = f"{train_loss:10.4f}  {train_share:8.2%}", f"{test_loss:10.4f}  {test_share:7.2%}"
            _say(bar, f"{epoch:5d}  {train_part}  {test_part}  {seconds:7.2f}")
            if train_loss != train_loss:
                raise DemoError(f"the loss is not a number after epoch {epoch}; try a smaller --lr")
    finally:
        if bar is not None:
            bar.close()
    return losses, test_scores


def _save(options: argparse.Namespace, model: nn.Module, test_accuracy: float) -> None:
    checkpoint = {
        "dataset": options.dataset,
        "hidden": options.hidden,
        "test_accuracy": test_accuracy,
        "state_dict": {name: tensor.cpu() for name, tensor in model.state_dict().items()},
    }
    facula.save(checkpoint, options.checkpoint)
    print(f"checkpoint: {options.checkpoint}")


def train(options: argparse.Namespace) -> None:
    """Train, report and save.

    Args:
        options (Namespace): the command line.

    Raises:
        DemoError: the data cannot be had, the loss diverged, or the output folder cannot be written.
    """
    from facula.demo import report

    for folder in (options.out, os.path.dirname(options.checkpoint) or "."):
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise DemoError(f"cannot make the folder {folder}: {error.strerror}") from None
    facula.manual_seed(options.seed)
    training, test, images = load(options.dataset, options.data)
    model = build_model(options.dataset, options.hidden).to(options.device)
    training, test = (TensorDataset(*(t.to(options.device) for t in part.tensors)) for part in (training, test))
    weights = sum(p.numel() for p in model.parameters())
    print(f"{options.dataset}: {len(training)} training and {len(test)} test images; {weights} weights")
    losses, scores = _fit(options, model, training, test)
    targets = test.tensors[1]
    share = accuracy(scores, targets)
    print(f"\nfinal test accuracy: {share:.2%}\n")
    predictions, truth = scores.argmax(1).tolist(), targets.tolist()
    print(report.confusion_matrix(predictions, truth))
    try:
        _save(options, model, share)
        report.picture(losses, images, predictions, truth, os.path.join(options.out, "report.png"))
    except OSError as error:
        raise DemoError(f"cannot write into {options.out}: {error}") from None
