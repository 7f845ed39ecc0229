"""The demo as its user runs it: through the command line, in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import facula

DATA = os.environ.get("FACULA_DATA") or os.path.join(os.path.dirname(__file__), "..", "..", "shared", "data")


def run(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "facula", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a network trained for a few epochs, and what the demo printed."""
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", "--epochs", "6", "--optimizer", "adam", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def final_accuracy(output):
    return float(re.search(r"final test accuracy: ([\d.]+)%", output)[1])


def test_help_and_info(tmp_path):
    assert "usage: python -m facula" in run(folder=tmp_path).stdout
    assert "--optimizer" in run("demo", "--help", folder=tmp_path).stdout
    info = run("info", folder=tmp_path)
    assert info.returncode == 0, info.stderr
    for word in (facula.version._FACULA, "ISA", "threads", "BLAS"):
        assert word in info.stdout


def test_short_training(trained):
    folder, output = trained
    assert final_accuracy(output) > 90
    assert len(re.findall(r"^ +\d+ +\d\.\d{4} ", output, re.M)) == 6
    assert "confusion matrix" in output
    checkpoint = facula.load(str(folder / "facula-demo" / "checkpoint.pt"))
    assert checkpoint["dataset"] == "digits" and checkpoint["hidden"] == [400, 200, 100]
    assert checkpoint["test_accuracy"] == pytest.approx(final_accuracy(output) / 100, abs=1e-4)
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        assert "read as" in output
    else:
        assert (folder / "facula-demo" / "report.png").read_bytes().startswith(b"\x89PNG")


def test_same_seed_same_result(trained, tmp_path):
    _, output = trained
    again = run("demo", "--epochs", "6", "--optimizer", "adam", "--seed", "0", folder=tmp_path).stdout
    assert final_accuracy(again) == final_accuracy(output)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "5"])
def test_default_training_reaches_97_percent(tmp_path, seed):
    done = run("demo", "--seed", seed, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert final_accuracy(done.stdout) >= 97


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir(os.path.join(DATA, "mnist")), reason="no MNIST files; set FACULA_DATA")
def test_mnist_training(tmp_path):
    done = run("demo", "--dataset", "mnist", "--data", os.path.abspath(DATA), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert final_accuracy(done.stdout) >= 97.8


def write_digit(path, image, invert=False):
    """A digit of the data set as a large picture: dark on light, or light on dark."""
    image_module = pytest.importorskip("PIL.Image")
    size = len(image)
    scaled = bytes((value * 255 // 16) ^ (0 if invert else 255) for row in image for value in row)
    picture = image_module.frombytes("L", (size, size), scaled).resize((160, 160), image_module.Resampling.BICUBIC)
    canvas = image_module.new("L", (220, 260), 0 if invert else 255)
    canvas.paste(picture, (20, 70))
    canvas.save(path)


@pytest.mark.parametrize("invert", [False, True])
def test_predict_reads_digits(trained, tmp_path, invert):
    folder, _ = trained
    data = facula.datasets.Digits(train=False)
    chosen = [0, 1, 2, 3] if invert else [4, 5, 6]
    right = 0
    for i in chosen:
        write_digit(tmp_path / "digit.png", data.data[i].tolist(), invert)
        done = run("demo", "--predict", str(tmp_path / "digit.png"), folder=folder)
        assert done.returncode == 0, done.stderr
        assert len(re.findall(r"^\d +[\d.]+%", done.stdout, re.M)) == 10
        right += f"digit: {int(data.targets[i])}" in done.stdout
    assert right >= len(chosen) - 1


def assert_one_line(done, words):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert re.search(words, done.stderr), done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nonsense"], "unknown command 'nonsense'"),
        (["demo", "--epochs", "0"], "--epochs: expected a positive integer, got '0'"),
        (["demo", "--lr", "nan"], "--lr: expected a positive number"),
        (["demo", "--lr", "-1"], "--lr: expected a positive number"),
        (["demo", "--hidden", "4,x"], "--hidden: expected sizes"),
        (["demo", "--seed", "-1"], "--seed: expected an integer"),
        (["demo", "--optimizer", "lbfgs"], "--optimizer: invalid choice"),
        (["demo", "--dataset", "cifar"], "--dataset: invalid choice"),
        (["demo", "--device", "toaster"], "--device: cannot use 'toaster'"),
        (["demo", "--what"], "unrecognized arguments: --what"),
        (["demo", "--predict", "none.png"], "cannot read the image none.png|pip install pillow"),
    ],
)
def test_bad_options(tmp_path, arguments, words):
    assert_one_line(run(*arguments, folder=tmp_path), words)


def test_bad_files(trained, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    folder, _ = trained
    (tmp_path / "text.png").write_text("no picture")
    assert_one_line(run("demo", "--predict", str(tmp_path / "text.png"), folder=folder), "cannot read the image")
    image_module.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    blank = str(tmp_path / "blank.png")
    assert_one_line(run("demo", "--predict", blank, folder=folder), "no digit found")
    assert_one_line(run("demo", "--predict", blank, folder=tmp_path), "no trained network")
    (tmp_path / "bad.pt").write_bytes(b"PK\x03\x04 no checkpoint")
    bad = str(tmp_path / "bad.pt")
    assert_one_line(run("demo", "--predict", blank, "--checkpoint", bad, folder=tmp_path), "is no checkpoint")
    (tmp_path / "file").write_text("")
    assert_one_line(run("demo", "--out", "file/below", folder=tmp_path), "cannot make the folder")


def test_without_the_optional_packages(tmp_path):
    """Neither tqdm nor matplotlib nor Pillow: text instead of pictures, and a plain word instead of a traceback."""
    for name in ("tqdm", "matplotlib", "PIL"):
        (tmp_path / f"{name}.py").write_text("raise ImportError(__name__)\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = run("demo", "--epochs", "1", folder=tmp_path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "pip install matplotlib" in done.stdout and "read as" in done.stdout and "loss" in done.stdout
    ascii_only = run("demo", "--epochs", "1", folder=tmp_path, PYTHONPATH=path, PYTHONIOENCODING="ascii")
    assert ascii_only.returncode == 0, ascii_only.stderr
    assert_one_line(run("demo", "--predict", "x.png", folder=tmp_path, PYTHONPATH=path), "pip install pillow")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "facula", "demo", "--epochs", "100000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a terminal starts it: a background shell has its children ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not process.stdout.readline().startswith("epoch"):  # training has begun
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.strip() == "interrupted"
