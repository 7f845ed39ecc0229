"""The data sets: the embedded digits, MNIST files good and hostile, and downloads from a server on this machine."""

import gzip
import hashlib
import http.server
import os
import socket
import struct
import threading

import pytest

import facula
from facula.datasets import MNIST, Digits
from facula.datasets.download import DownloadError, download
from facula.datasets.idx import read_idx

DATA = os.environ.get("FACULA_DATA") or os.path.join(os.path.dirname(__file__), "..", "..", "shared", "data")


# --- digits ----------------------------------------------------------------------------------------------------------


def test_digits():
    train, test = Digits(), Digits(train=False)
    assert (len(train), len(test)) == (1442, 355)
    assert train.data.shape == (1442, 8, 8) and train.data.dtype is facula.uint8
    assert train.targets.shape == (1442,) and train.targets.dtype is facula.int64
    assert int(train.data.max()) == 16 and int(test.data.max()) == 16
    assert set(train.targets.tolist()) == set(test.targets.tolist()) == set(range(10))
    image, target = train[0]
    assert target == 0 and image[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert "355" in repr(test)


def test_digits_are_all_there_once():
    parts = [Digits(), Digits(train=False)]
    rows = [bytes(image.flatten().tolist()) + bytes([target]) for part in parts for image, target in part]
    folder = os.path.dirname(facula.datasets.digits.__file__)
    with gzip.open(os.path.join(folder, "digits.csv.gz"), "rt") as file:
        assert sorted(rows) == sorted(bytes(map(int, line.split(","))) for line in file)
    assert os.path.exists(os.path.join(folder, "digits.COPYING"))


def test_digits_transforms():
    data = Digits(train=False, transform=lambda image: int(image.sum()), target_transform=str)
    total, name = data[0]
    assert total == int(data.data[0].sum()) and name == str(int(data.targets[0]))


# --- MNIST files -----------------------------------------------------------------------------------------------------


def idx(shape, data, magic=None):
    head = struct.pack(">I", 0x800 + len(shape) if magic is None else magic)
    return head + struct.pack(f">{len(shape)}I", *shape) + data


def small_mnist(folder, count=3, packed=True, prefix="train"):
    folder.mkdir(parents=True, exist_ok=True)
    pixels = bytes(i % 256 for i in range(count * 784))
    files = {
        "images-idx3": idx((count, 28, 28), pixels),
        "labels-idx1": idx((count,), bytes(i % 10 for i in range(count))),
    }
    for name, content in files.items():
        path = folder / f"{prefix}-{name}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return pixels


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "MNIST/raw"])
def test_mnist_files(tmp_path, packed, below):
    pixels = small_mnist(tmp_path / below, packed=packed)
    data = MNIST(tmp_path)
    assert data.data.shape == (3, 28, 28) and data.data.dtype is facula.uint8
    assert bytes(data.data.flatten().tolist()) == pixels
    assert data.targets.tolist() == [0, 1, 2] and data.targets.dtype is facula.int64
    image, target = data[2]
    assert image.shape == (28, 28) and target == 2
    assert MNIST(tmp_path, transform=lambda x: "image", target_transform=lambda y: y + 1)[0] == ("image", 1)


def test_mnist_missing(tmp_path):
    with pytest.raises(RuntimeError, match="not found") as caught:
        MNIST(tmp_path)
    message = str(caught.value)
    assert all(name in message for name, _, _ in MNIST.resources)
    assert str(tmp_path) in message and "download=True" in message


def test_mnist_that_does_not_match(tmp_path):
    small_mnist(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx((2,), b"\0\1"), mtime=0))
    with pytest.raises(ValueError, match=r"3 images but .* 2 labels"):
        MNIST(tmp_path)
    labels.write_bytes(gzip.compress(idx((3,), b"\0\1\x0a"), mtime=0))
    with pytest.raises(ValueError, match="label 10"):
        MNIST(tmp_path)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "truncated: the magic number needs 4 bytes, found 0"),
        (b"\0\0\x08", "truncated: the magic number"),
        (idx((3,), b"abc", magic=0x901), "magic number 00000901, expected 00000801"),
        (idx((3,), b"abc", magic=0x803), "magic number"),
        (idx((3,), b"abc")[:6], "truncated: the header"),
        (idx((3,), b"ab"), "truncated: the data needs 3 bytes, found 2"),
        (idx((3,), b"abcd"), "longer than its header says"),
        (idx((2**32 - 1,), b""), "at most 100000"),
        (gzip.compress(idx((3,), b"abc"), mtime=0)[:-9], "damaged"),
        (gzip.compress(idx((3,), b"abc"), mtime=0)[:-4] + b"\xff\xff\xff\xff", "damaged"),
        (b"\x1f\x8b" + b"\xff" * 30, "damaged"),
    ],
)
def test_hostile_idx(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(str(path))


def test_every_truncation_and_flip_is_an_error_or_the_data(tmp_path):
    good = gzip.compress(idx((5,), b"abcde"), mtime=0)
    path = tmp_path / "file"
    cases = [good[:i] for i in range(len(good))]
    cases += [good[:i] + bytes([good[i] ^ 1 << bit]) + good[i + 1 :] for i in range(len(good)) for bit in range(8)]
    for content in cases:
        path.write_bytes(content)
        try:
            data, shape = read_idx(str(path))
        except ValueError:
            continue
        assert (bytes(data), shape) == (b"abcde", [5])


def test_a_bomb_is_not_unpacked(tmp_path):
    import tracemalloc

    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx((3,), b"\0" * 50_000_000), mtime=0))
    tracemalloc.start()
    with pytest.raises(ValueError, match="longer than"):
        read_idx(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir(os.path.join(DATA, "mnist")), reason="no MNIST files; set FACULA_DATA")
def test_real_mnist():
    train, test = (MNIST(os.path.join(DATA, "mnist"), train=part) for part in (True, False))
    assert (len(train), len(test)) == (60_000, 10_000)
    assert train.targets[:5].tolist() == [5, 0, 4, 1, 9] and test.targets[:3].tolist() == [7, 2, 1]
    assert train.verify()


# --- downloads -------------------------------------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serves one folder on this machine, notes the requests, and can break off, forget ranges or refuse them."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.ranges = []
        self.break_after = None
        self.knows_ranges = True
        self.refuses_ranges = False
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        path = server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.knows_ranges else 0
        if start and server.refuses_ranges:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: server.break_after])
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file").write_bytes(CONTENT)
    with Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


CONTENT = bytes(i * 7 % 251 for i in range(200_000))
SUM = hashlib.sha256(CONTENT).hexdigest()


def closed_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def test_download(server, tmp_path):
    target = tmp_path / "file"
    download([server.url + "file"], str(target), len(CONTENT), SUM)
    assert target.read_bytes() == CONTENT and not (tmp_path / "file.part").exists()
    assert server.ranges == [None]


def test_download_resumes(server, tmp_path):
    target, part = tmp_path / "file", tmp_path / "file.part"
    server.break_after = 70_000
    with pytest.raises(DownloadError):
        download([server.url + "file"], str(target), len(CONTENT), SUM)
    assert part.stat().st_size == 70_000 and not target.exists()
    server.break_after = None
    download([server.url + "file"], str(target), len(CONTENT), SUM)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=70000-"]


@pytest.mark.parametrize("trouble", ["knows no ranges", "refuses ranges"])
def test_download_begins_again_where_it_cannot_resume(server, tmp_path, trouble):
    (tmp_path / "file.part").write_bytes(b"x" * 100)
    if trouble == "knows no ranges":
        server.knows_ranges = False
    else:
        server.refuses_ranges = True
    download([server.url + "file"], str(tmp_path / "file"), len(CONTENT), SUM)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_download_of_the_wrong_file(server, tmp_path):
    target = tmp_path / "file"
    with pytest.raises(DownloadError, match="wrong checksum"):
        download([server.url + "file"], str(target), len(CONTENT), "0" * 64)
    with pytest.raises(DownloadError, match="more than the expected 100 bytes"):
        download([server.url + "file"], str(target), 100, SUM)
    assert not target.exists()


def test_download_tries_the_next_mirror(server, tmp_path):
    target = tmp_path / "file"
    refused = closed_address()
    urls = [refused + "file", server.url + "missing", server.url + "file"]
    download(urls, str(target), len(CONTENT), SUM)
    assert target.read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="Connection refused") as caught:
        download([refused + "file", server.url + "missing"], str(tmp_path / "other"), 1, SUM)
    assert "404" in str(caught.value)


def served_mnist(server, monkeypatch):
    """Small files in place of the real ones, at the server."""
    for prefix in ("train", "t10k"):
        small_mnist(server.folder, prefix=prefix)
    resources = []
    for name, _, _ in MNIST.resources:
        content = (server.folder / name).read_bytes()
        resources.append((name, len(content), hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(MNIST, "resources", resources)
    monkeypatch.setattr(MNIST, "mirrors", [closed_address(), server.url])


def test_mnist_download(server, tmp_path, monkeypatch):
    served_mnist(server, monkeypatch)
    data = MNIST(tmp_path / "root", download=True)
    assert len(data) == 3 and data.verify()
    assert sorted(os.listdir(tmp_path / "root" / "MNIST" / "raw")) == sorted(name for name, _, _ in MNIST.resources)
    requests = len(server.ranges)
    MNIST(tmp_path / "root", train=False, download=True)
    assert len(server.ranges) == requests, "files that are there are not fetched again"


def test_mnist_without_network(tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", [closed_address()])
    with pytest.raises(RuntimeError, match="Without a network, put these four files") as caught:
        MNIST(tmp_path, download=True)
    assert "t10k-labels-idx1-ubyte.gz" in str(caught.value) and str(tmp_path) in str(caught.value)
