# Peak memory of training, a process for each network and package: what three steps add to the memory after the import.
# Refuses to count the packages themselves; startup.py does.
from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

from timing import Row, finish, options, row

STEPS = 3
NETWORKS = {
    "4-layer network, batch 64": "mlp",
    "LeNet, batch 64": "lenet",
    "LSTM, 32 x 28 x 64, hidden 128": "lstm",
    "character GPT, 4 layers, 128 wide, 12 x 64": "gpt",
    "residual network, 7 convolutions of 64 channels at 32 x 32, batch 16": "small_residual",
}


def peak_megabytes() -> float:
    """The most that was resident in this program so far (Linux only)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def trained(package: str, network: str) -> float:
    """Megabytes that training adds, measured in this process."""
    m = importlib.import_module(package)
    import zoo

    m.manual_seed(0)
    m.set_num_threads(2)
    (m.ones(8, 8) @ m.ones(8, 8)).sum()  # libraries that load at first use belong to the package
    before = peak_megabytes()
    step = getattr(zoo, network)(m)
    for _ in range(STEPS):
        step()
    return peak_megabytes() - before


def growth(package: str, network: str) -> float:
    """The same, in a process of its own."""
    command = [sys.executable, __file__, package, network]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """One row for each network: facula's growth is to be at most PyTorch's."""
    given = options(__doc__ or "memory", 0.0)
    rows: list[Row] = [
        row(case, growth("torch", network), growth("facula", network), 1.0, "MB") for case, network in NETWORKS.items()
    ]
    finish(rows, given.json)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ("torch", "facula"):
        print(json.dumps(trained(sys.argv[1], sys.argv[2])))
    else:
        main()
