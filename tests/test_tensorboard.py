"""SummaryWriter: what it writes is read back by the tensorboard package, where that is installed."""

import subprocess
import sys

import pytest

import facula as torch


def test_without_the_package_the_error_names_it():
    code = "import sys; sys.modules['tensorboard'] = None\nimport facula.utils.tensorboard"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "pip install tensorboard" in done.stderr


@pytest.fixture
def writer(tmp_path):
    pytest.importorskip("tensorboard")
    from facula.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "run") as w:
        yield w


def read(writer):
    """Tags and values of the event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer.flush()
    events = EventAccumulator(str(writer.get_logdir()), size_guidance={"tensors": 0})
    events.Reload()
    return events


def test_numbers_histograms_and_text(writer):
    for step in range(3):
        writer.add_scalar("loss", torch.tensor(1.0 / (step + 1)), step)
    writer.add_scalar("new", 0.5, 1, new_style=True)
    writer.add_histogram("weights", torch.arange(10.0), 0)
    writer.add_text("note", "*hello*", 0)
    events = read(writer)
    assert [e.step for e in events.Scalars("loss")] == [0, 1, 2]
    assert [e.value for e in events.Scalars("loss")] == pytest.approx([1.0, 0.5, 1 / 3])
    histogram = events.Histograms("weights")[0].histogram_value
    assert (histogram.min, histogram.max, histogram.num, histogram.sum) == (0.0, 9.0, 10.0, 45.0)
    assert sum(histogram.bucket) == 10
    assert events.Tensors("note/text_summary")[0].tensor_proto.string_val[0] == b"*hello*"


def test_pictures(writer):
    pytest.importorskip("PIL")
    import io

    from PIL import Image

    picture = torch.zeros(3, 4, 6)
    picture[0, 1, 2] = 1.0
    writer.add_image("one", picture)
    writer.add_image("grey", torch.ones(4, 6), dataformats="HW")
    writer.add_images("many", torch.ones(3, 1, 4, 6))
    writer.add_image_with_boxes("boxes", picture, torch.tensor([[0, 0, 3, 3]]), labels=["a"])
    writer.add_video("film", torch.rand(1, 3, 3, 4, 6))
    events = read(writer)
    shown = Image.open(io.BytesIO(events.Images("one")[0].encoded_image_string))
    assert shown.size == (6, 4) and shown.getpixel((2, 1)) == (255, 0, 0) and shown.getpixel((0, 0)) == (0, 0, 0)
    assert (events.Images("many")[0].width, events.Images("many")[0].height) == (18, 4)
    with pytest.raises(AssertionError, match="input format"):
        writer.add_image("wrong", torch.zeros(2, 2))


def test_embedding_and_hyperparameters(writer):
    import os

    writer.add_embedding(torch.arange(6.0).reshape(3, 2), metadata=["a", "b", "c"], tag="x/y")
    writer.add_hparams({"lr": 0.1, "name": "adam", "deep": True}, {"accuracy": 0.9}, run_name="h")
    root = str(writer.get_logdir())
    folder = os.path.join(root, "00000", "x%2fy")
    with open(os.path.join(folder, "tensors.tsv")) as file:
        assert file.read() == "0.0\t1.0\n2.0\t3.0\n4.0\t5.0\n"
    with open(os.path.join(root, "projector_config.pbtxt")) as file:
        assert "x%2fy/metadata.tsv" in file.read()
    assert os.listdir(os.path.join(root, "h"))


def test_what_is_not_offered_says_so(writer):
    with pytest.raises(NotImplementedError, match="add_text"):
        writer.add_graph(torch.nn.Linear(1, 1))
    with pytest.raises(NotImplementedError):
        writer.add_onnx_graph("x")
