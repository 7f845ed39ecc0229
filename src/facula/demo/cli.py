"""The demo's command line: options, their checks, and what to do."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

import facula
from facula.demo.data import DemoError

__all__ = ["main"]

_EPILOG = """examples:
  python -m facula demo                                   train on the embedded digits: seconds
  python -m facula demo --dataset mnist --data DIR        train on MNIST, downloaded into DIR if it is not there
  python -m facula demo --predict FILE.png                read a digit with the network trained last
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"facula demo: error: {message}\n")


def _positive_int(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text!r}")
    return value


def _seed(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to 2**63 - 1, got {text!r}")
    return value


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or not all(1 <= size <= 100_000 for size in sizes):
        raise argparse.ArgumentTypeError(f"expected sizes from 1 to 100000 like 400,200,100, got {text!r}")
    return sizes


def _parser() -> argparse.ArgumentParser:
    from facula.demo.train import OPTIMIZERS

    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="python -m facula demo",
        description="Train a fully connected network on handwritten digits and show how well it reads them.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    add = parser.add_argument
    add("--dataset", choices=["digits", "mnist"], default="digits", help="embedded 8x8 digits (default), or MNIST")
    add("--data", metavar="DIR", help="folder of the MNIST files (default: $FACULA_DATA, else ./data)")
    add("--epochs", type=_positive_int, metavar="N", help="passes through the data (default: digits 20, mnist 5)")
    add("--batch-size", type=_positive_int, default=64, metavar="N", help="samples in a step (default: 64)")
    add("--lr", type=_rate, metavar="X", help="learning rate (default: one that suits the optimizer)")
    add("--optimizer", choices=list(OPTIMIZERS), default="sgd", help="update rule (default: sgd with momentum 0.9)")
    add("--hidden", type=_sizes, default=[400, 200, 100], metavar="A,B,C", help="layer sizes (default: 400,200,100)")
    add("--seed", type=_seed, default=0, metavar="N", help="of weights and order (default: 0)")
    add("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    add("--threads", type=_positive_int, metavar="N", help="CPU threads (default: as many as the machine gives)")
    add("--out", default="facula-demo", metavar="DIR", help="folder for checkpoint and picture (default: facula-demo)")
    add("--predict", metavar="FILE", help="do not train: read the digit in this image")
    add("--checkpoint", metavar="FILE", help="trained network for --predict, or where to save it (default: in --out)")
    return parser


def _check_device(name: str) -> str:
    try:
        facula.zeros(1, device=name)
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DemoError(f"argument --device: cannot use {name!r}: {reason}") from None
    return name


def main(arguments: list[str]) -> int:
    """Run the demo.

    Args:
        arguments (list of str): the options.

    Returns:
        The exit status: 0, 2 for bad options or files, 130 after Ctrl-C.
    """
    try:
        options = _parser().parse_args(arguments)
        options.checkpoint = options.checkpoint or os.path.join(options.out, "checkpoint.pt")
        if options.threads is not None:
            facula.set_num_threads(options.threads)
        if options.predict is not None:
            from facula.demo.predict import predict

            predict(options.predict, options.checkpoint)
        else:
            from facula.demo.train import train

            _check_device(options.device)
            train(options)
    except DemoError as error:
        print(f"facula demo: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0
