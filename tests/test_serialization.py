"""save and load: files that PyTorch reads, files that PyTorch wrote, published checkpoints, and hostile files."""

import io
import os
import pickle
import random
import struct
import subprocess
import sys
import time
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest

import facula as torch
from facula.io import load, safetensors, save
from facula.io import zipfile_writer as container
from facula.io.pickle_reader import Reader, Source

DATA = Path(os.environ.get("FACULA_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
UNSIGNED = ["uint16", "uint32", "uint64"]  # whose storages have no type of their own
# What a damaged file may raise, and nothing else.
REFUSALS = (RuntimeError, pickle.UnpicklingError, ValueError, EOFError)


def contents(package):
    """A value with every kind of part that can be saved."""
    x = package.arange(12.0).reshape(3, 4)
    again = [1, 2]
    parameter = package.nn.Parameter(x)
    module_state = OrderedDict(weight=package.ones(2), bias=package.zeros(1))
    module_state._metadata = OrderedDict([("", {"version": 1})])
    return {
        "x": x,
        "view": x.t()[1:],
        "parameter": parameter,
        "frozen": package.nn.Parameter(x, requires_grad=False),
        "leaf": package.ones(2, requires_grad=True),
        "scalar": package.tensor(3),
        "expanded": package.ones(1).expand(5),
        "empty": package.empty(0, 3),
        "dtypes": [package.ones(2, 3, dtype=getattr(package, name)) for name in DTYPES + COMPLEX],
        "state": module_state,
        "counter": Counter("aab"),
        "numbers": [0, 255, 256, 65535, 65536, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**70, 1.5, float("inf"), 2j],
        "constants": (None, True, False),
        "text": "héé",
        "bytes": [b"", b"ab\xff", bytearray(b"x")],
        "sets": {1, "a", (2, 3)},
        "torch": [x.shape, package.bfloat16, package.device("cpu"), package.device("cuda", 1)],
        "twice": [again, again],
        "nested": ((1,), (), (1, 2, (3, [4, {5: 6}]))),
        ("tuple", 1): 1,
        "long": list(range(2500)),
        "wide": {str(i): i for i in range(2500)},
    }


def describe(value):
    """A value as plain Python parts, so that values of two packages can be compared."""
    kind = type(value).__name__
    if hasattr(value, "storage_offset"):
        layout = (str(value.dtype), tuple(value.shape), tuple(value.stride()), value.storage_offset())
        return kind, *layout, value.requires_grad, value.tolist()
    if isinstance(value, dict):
        return kind, [(describe(key), describe(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return kind, [describe(item) for item in value]
    return kind, str(value) if kind in ("dtype", "device") else value


def saved(value, package=torch, **options):
    file = io.BytesIO()
    package.save(value, file, **options)
    return file.getvalue()


def loaded(data, package=torch, **options):
    return package.load(io.BytesIO(data), **options)


def archive_with(stream, **records):
    """A checkpoint with the given pickle stream."""
    file = io.BytesIO()
    writer = container.ZipWriter(file)
    writer.add("data.pkl", stream)
    for name, data in {"byteorder": sys.byteorder.encode(), **records}.items():
        writer.add(name.replace("_", "/"), data)
    writer.finish()
    return file.getvalue()


@pytest.fixture
def oracle():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("archive", [True, False])
class TestRoundTrip:
    def test_ours(self, archive):
        value = contents(torch)
        again = loaded(saved(value, _use_new_zipfile_serialization=archive))
        assert describe(again) == describe(value)
        self.check_sharing(again)

    def test_to_pytorch(self, archive, oracle):
        value = contents(torch)
        again = loaded(saved(value, _use_new_zipfile_serialization=archive), oracle, weights_only=True)
        assert describe(again) == describe(contents(oracle)) == describe(value)
        self.check_sharing(again)

    @pytest.mark.parametrize("protocol", [2, 3, 4, 5])
    def test_from_pytorch(self, archive, protocol, oracle):
        data = saved(contents(oracle), oracle, _use_new_zipfile_serialization=archive, pickle_protocol=protocol)
        again = loaded(data)
        assert describe(again) == describe(contents(oracle))
        self.check_sharing(again)

    @staticmethod
    def check_sharing(value):
        assert value["twice"][0] is value["twice"][1]
        assert value["state"]._metadata[""] == {"version": 1}
        value["x"][0, 1] = 50.0
        assert value["view"][0, 0].item() == 50.0
        assert value["parameter"][0, 1].item() == 50.0


@pytest.mark.parametrize("name", DTYPES + COMPLEX + UNSIGNED)
def test_every_dtype_keeps_its_bits(name):
    numbers = [0, 1, 1, 0, 1] if name == "bool" else [0, 1, 2, 100, 3]
    x = torch.tensor(numbers, dtype=getattr(torch, name))
    for archive in (True, False):
        again = loaded(saved(x[1:], _use_new_zipfile_serialization=archive))
        assert again.dtype == x.dtype
        assert again.tolist() == x[1:].tolist()
        assert again.storage_offset() == 1


def test_special_floats():
    x = torch.tensor([float("inf"), -0.0, float("-inf"), 1e-45])
    assert repr(loaded(saved(x)).tolist()) == repr(x.tolist())


def test_attributes_of_tensors(oracle):
    for package in (torch, oracle):
        x, parameter = package.ones(2), package.nn.Parameter(package.ones(2))
        x.note, parameter.note = "kept", [1]
        for reader in (torch, oracle):
            again = loaded(saved({"x": x, "p": parameter}, package), reader)
            assert again["x"].note == "kept"
            assert again["p"].note == [1]


def test_numpy_numbers_become_python_numbers(oracle):
    numpy = pytest.importorskip("numpy")
    data = saved([numpy.float64(2.5), numpy.int32(-4), numpy.bool_(True)], oracle)
    assert loaded(data) == [2.5, -4, True]


def test_container_layout():
    data = saved(contents(torch))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    names = [entry.filename for entry in archive.infolist()]
    assert names[:5] == [
        f"archive/{name}" for name in ("data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0")
    ]
    assert names[-1] == "archive/version"
    for entry in archive.infolist():
        name_length, extra_length = struct.unpack_from("<HH", data, entry.header_offset + 26)
        assert (entry.header_offset + 30 + name_length + extra_length) % 64 == 0
        assert entry.compress_type == zipfile.ZIP_STORED


def test_large_archives_use_64_bit_fields(monkeypatch):
    monkeypatch.setattr(container, "LIMIT", 900)
    file = io.BytesIO()
    writer = container.ZipWriter(file)
    writer.add("big", bytes(1000))
    writer.add("late", b"x")
    writer.finish()
    # The fields that are too small hold the (lowered) limit; a reader looks for the true one, so it is put there.
    data = file.getvalue().replace(struct.pack("<I", 900), b"\xff" * 4)
    assert b"PK\x06\x06" in data
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert [entry.file_size for entry in archive.infolist()] == [1000, 1]
    assert archive.read("archive/big") == bytes(1000)
    assert archive.read("archive/late") == b"x"


def test_path_and_map(tmp_path):
    path = tmp_path / "value.pt"
    value = contents(torch)
    save(value, path)
    assert describe(load(str(path))) == describe(value)
    mapped = load(path, mmap=True)
    assert describe(mapped) == describe(value)
    mapped["x"].zero_()
    assert describe(load(path)) == describe(value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.pt"]


def test_map_needs_path_and_archive(tmp_path):
    with pytest.raises(ValueError, match="mmap=True needs f to be a path"):
        load(io.BytesIO(saved(1)), mmap=True)
    save(1, tmp_path / "old", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap=True reads zip archives only"):
        load(tmp_path / "old", mmap=True)


def test_map_location():
    x = torch.ones(2)
    seen = []
    for location in ("cpu", torch.device("cpu"), {"cpu": "cpu"}, lambda storage, name: seen.append(name) or storage):
        assert loaded(saved(x), map_location=location).tolist() == [1.0, 1.0]
    assert seen == ["cpu"]
    stream = zipfile.ZipFile(io.BytesIO(saved(x))).read("archive/data.pkl")
    elsewhere = archive_with(stream.replace(b"X\x03\x00\x00\x00cpu", b"X\x03\x00\x00\x00xpu"), data_0=bytes(8))
    with pytest.raises(RuntimeError):
        loaded(elsewhere)
    assert loaded(elsewhere, map_location={"xpu": "cpu"}).tolist() == [0.0, 0.0]


def test_big_endian_file():
    stream = zipfile.ZipFile(io.BytesIO(saved(torch.tensor([1.0, 2.0])))).read("archive/data.pkl")
    data = archive_with(stream, byteorder=b"big", data_0=struct.pack(">ff", 1.0, 2.0))
    assert loaded(data).tolist() == [1.0, 2.0]


class TestInterruptedSave:
    def test_old_file_stays(self, tmp_path, monkeypatch):
        path = tmp_path / "value.pt"
        save([1], path)

        def fail(self, name, data):
            raise OSError("disk full")

        monkeypatch.setattr(container.ZipWriter, "add", fail)
        with pytest.raises(OSError, match="disk full"):
            save([2], path)
        assert load(path) == [1]
        assert [entry.name for entry in tmp_path.iterdir()] == ["value.pt"]

    def test_refused_value_writes_nothing(self, tmp_path):
        with pytest.raises(pickle.PicklingError):
            save(object(), tmp_path / "value.pt")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX file systems")
    def test_mode_and_link_stay(self, tmp_path):
        path, link = tmp_path / "value.pt", tmp_path / "link.pt"
        save(1, path)
        path.chmod(0o640)
        link.symlink_to(path)
        save(2, link)
        assert link.is_symlink()
        assert path.stat().st_mode & 0o777 == 0o640
        assert load(path) == 2


class TestSaveRefuses:
    @pytest.mark.parametrize("value", [object(), len, int, range(3), torch.nn])
    def test_other_objects(self, value):
        with pytest.raises(pickle.PicklingError, match=r"cannot save .* at obj\['a'\]\[1\]"):
            saved({"a": [0, value]})

    def test_loops_and_depth(self):
        loop = []
        loop.append(loop)
        with pytest.raises(pickle.PicklingError, match="contains itself"):
            saved(loop)
        deep = []
        for _ in range(1000):
            deep = [deep]
        with pytest.raises(pickle.PicklingError, match="nested deeper than"):
            saved(deep)

    def test_arguments(self):
        with pytest.raises(TypeError, match="path or have a write method"):
            save(1, 5)
        with pytest.raises(ValueError, match="pickle_protocol"):
            saved(1, pickle_protocol=1)
        with pytest.raises(ValueError, match="pickle_module"):
            saved(1, pickle_module=struct)


class Call:
    """Pickles as a call, the way hostile files do."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class TestNothingIsExecuted:
    @pytest.mark.parametrize("protocol", [2, 4])
    @pytest.mark.parametrize("weights_only", [True, False])
    @pytest.mark.parametrize(
        ("function", "arguments", "name"),
        [
            (os.system, ("touch executed",), rf"{os.system.__module__}\.system"),
            (eval, ("open('executed', 'w')",), r"\.eval"),
            (subprocess.Popen, (["touch", "executed"],), r"\.Popen"),
            (getattr, ("", "join"), r"\.getattr"),
        ],
    )
    def test_calls(self, function, arguments, name, weights_only, protocol, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        data = archive_with(pickle.dumps({"w": Call(function, *arguments)}, protocol))
        with pytest.raises(pickle.UnpicklingError, match=rf"{name}.*nothing was executed"):
            loaded(data, weights_only=weights_only)
        assert list(tmp_path.iterdir()) == []

    def test_permitted_names_are_not_values(self):
        with pytest.raises(pickle.UnpicklingError, match=r"collections\.OrderedDict"):
            loaded(archive_with(b"\x80\x02ccollections\nOrderedDict\n."))

    @pytest.mark.parametrize(
        "stream",
        [
            b"\x80\x02(S'id'\nios\nsystem\n.",  # INST of protocol 0
            b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.",
            b"\x80\x02X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93.",
            b"\x80\x02K\x01K\x02\x85R.",  # a number is called
            b"\x80\x02\x82\x01.",  # extension registry
            b"\x80\x02]}X\x09\x00\x00\x00__class__K\x01sb.",  # attributes for a list
            b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb.",
        ],
    )
    def test_opcodes(self, stream):
        with pytest.raises(pickle.UnpicklingError):
            loaded(archive_with(stream))


def tensor_stream(offset=0, size=(2,), stride=(1,), elements=4, key="0", kind="FloatStorage", extra=b""):
    """The stream of one float tensor, with any numbers in it."""

    def number(value):
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    identifier = text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + number(elements)
    numbers = [b"(" + b"".join(map(number, values)) + b"t" for values in (size, stride)]
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n((" + identifier + b"tQ" + number(offset) + b"".join(numbers)
    return b"\x80\x02" + rebuild + b"\x89ccollections\nOrderedDict\n)R" + extra + b"tR."


class TestHostileTensors:
    def test_the_stream_is_otherwise_good(self):
        data = archive_with(tensor_stream(offset=1, size=(3,)), data_0=struct.pack("<4f", 1, 2, 3, 4))
        assert loaded(data).tolist() == [2.0, 3.0, 4.0]

    @pytest.mark.parametrize(
        "fields",
        [
            {"offset": 3},
            {"offset": -1},
            {"offset": 1 << 62},
            {"size": (5,)},
            {"size": (2, 3), "stride": (1, 1), "offset": 1},
            {"size": (2,), "stride": (-1,), "offset": 3},
            {"size": (2,), "stride": (1 << 61,)},
            {"size": (1 << 61,), "stride": (0,)},
            {"size": (1 << 40, 1 << 40), "stride": (0, 0)},
            {"size": (0, 1 << 61), "stride": (0, 0)},
            {"size": (2, 2)},
            {"size": (1,) * 65, "stride": (0,) * 65},
            {"offset": 5, "size": (0,)},
            {"elements": 5},
            {"elements": 1 << 59},
            {"elements": -1},
            {"key": "1"},
            {"key": "../data.pkl"},
            {"kind": "DoubleStorage"},
            {"kind": "NoStorage"},
        ],
    )
    def test_views_outside_of_the_storage(self, fields):
        with pytest.raises(REFUSALS):
            loaded(archive_with(tensor_stream(**fields), data_0=bytes(16)))


class TestHostileStreams:
    @pytest.mark.parametrize(
        ("stream", "reason"),
        [
            (b"", "ends early"),
            (b"\x80\x02]", "ends early"),
            (b"\x80\x02X\xff\xff\xff\xffabc.", "ends early"),
            (b"\x80\x02\x8e" + b"\xff" * 8 + b".", "ends early"),
            (b"\x80\x02\x8b\xff\xff\xff\xff.", "negative length"),
            (b"\x80\x02\x8b\xfb\xff\xff\xff.", "negative length"),
            (b"\x80\x02T\xff\xff\xff\xff.", "negative length"),
            (b"\x80\x09.", "protocol 9"),
            (b"\x80\x02.", "damaged"),
            (b"\x80\x02h\x05.", "damaged"),
            (b"\x80\x02KaKb.", "damaged"),
            (b"\x80\x02(.", "itself as a value"),
            (b"\x80\x02}(K\x01u.", "key without a value"),
            (b"\x80\x02}]K\x01s.", "cannot be a dictionary key"),
            (b"\x80\x02]q\x00h\x00a.", "contains itself"),
            (b"\x80\x02" + b"]" * 600 + b"a" * 599 + b".", "nested deeper"),
            (b"\x80\x02)" + b"\x85" * 100000 + b".", "nested deeper"),
            (b"\x80\x02c" + b"a" * 2000 + b"\nb\n.", "longer than 1024"),
        ],
    )
    def test_damage(self, stream, reason):
        with pytest.raises(pickle.UnpicklingError, match=reason):
            loaded(archive_with(stream))

    def test_keys_that_take_for_ever_to_hash(self):
        doubling = b")" + b"q\x00h\x00\x86" * 60
        with pytest.raises(pickle.UnpicklingError, match="more than 64 parts"):
            loaded(archive_with(b"\x80\x02}" + doubling + b"K\x01s."))

    def test_small_streams_do_not_grow(self):
        text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
        again = b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R"
        stream = b"\x80\x02(" + text + b"c_codecs\nencode\nq\x01" + again * 1000 + b"t."
        with pytest.raises(pickle.UnpicklingError, match="far more data than it holds"):
            loaded(archive_with(stream))

    def test_source_never_reads_beyond_its_size(self):
        with pytest.raises(pickle.UnpicklingError, match="ends early"):
            Reader(Source(io.BytesIO(b"K\x07."), 2)).load()


class TestHostileContainers:
    @pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(100), b"hello", bytes(1000), b"\x80\x02N."])
    def test_not_a_checkpoint(self, data):
        with pytest.raises(REFUSALS):
            loaded(data)

    def test_compressed_records(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(10_000_000))
        with pytest.raises(RuntimeError, match="larger than the file"):
            loaded(file.getvalue())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02N.")
        with pytest.raises(RuntimeError, match="compressed"):
            loaded(file.getvalue())

    def test_checksum(self):
        data = bytearray(saved(torch.tensor([7.0])))
        data[data.index(struct.pack("<f", 7.0))] ^= 1
        with pytest.raises(RuntimeError, match="checksum"):
            loaded(bytes(data))

    def test_duplicate_records(self):
        file = io.BytesIO()
        writer = container.ZipWriter(file)
        writer.add("data.pkl", b"\x80\x02N.")
        writer.add("data.pkl", b"\x80\x02N.")
        writer.finish()
        with pytest.raises(RuntimeError, match="twice"):
            loaded(file.getvalue())

    def test_other_formats(self):
        with pytest.raises(RuntimeError, match="TorchScript"):
            loaded(archive_with(b"\x80\x02N.", **{"constants.pkl": b"N."}))
        with pytest.raises(RuntimeError, match=r"tar format of PyTorch 0\.1"):
            loaded(b"x" * 257 + b"ustar" + bytes(1000))

    @pytest.mark.parametrize("seed", range(8))
    def test_random_damage(self, seed):
        rng = random.Random(seed)
        value = {
            "x": torch.arange(6.0).reshape(2, 3),
            "p": torch.nn.Parameter(torch.ones(2)),
            "l": [1, "a", (2.0, b"b")],
        }
        stream = zipfile.ZipFile(io.BytesIO(saved(value))).read("archive/data.pkl")
        records = {"data_0": bytes(24), "data_1": bytes(8)}
        good = [saved(value), saved(value, _use_new_zipfile_serialization=False), stream]
        end = time.monotonic() + 60  # catches a hang; says nothing about speed
        for _ in range(150):
            which = rng.randrange(3)
            data = bytearray(good[which])
            if rng.random() < 0.3:
                del data[rng.randrange(len(data)) :]
            for _ in range(rng.choice([0, 1, 3, 10])):
                if data:
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            try:
                loaded(archive_with(bytes(data), **records) if which == 2 else bytes(data))
            except REFUSALS:
                pass
            assert time.monotonic() < end


def checkpoints():
    folder = DATA / "checkpoints"
    return sorted(path for suffix in ("*.pt", "*.pth") for path in folder.rglob(suffix)) if folder.is_dir() else []


@pytest.mark.skipif(not checkpoints(), reason="the published checkpoints are not here")
@pytest.mark.parametrize("path", checkpoints(), ids=lambda path: f"{path.parent.name}-{path.name}")
class TestPublishedCheckpoints:
    def test_loads(self, path):
        value = load(path, map_location="cpu")
        assert len(value) > 0
        assert isinstance(value, torch.Tensor) or all(isinstance(name, str) for name in value)

    def test_same_as_pytorch(self, path, oracle):
        assert describe(load(path, map_location="cpu")) == describe(oracle.load(path, map_location="cpu"))

    def test_same_after_saving_again(self, path):
        value = load(path, map_location="cpu")
        assert describe(loaded(saved(value))) == describe(value)


class TestSafetensors:
    @staticmethod
    def file(header, data=b""):
        text = header if isinstance(header, bytes) else header.encode()
        return len(text).to_bytes(8, "little") + text + data

    def test_round_trip(self, tmp_path):
        value = {name: torch.ones(2, 3, dtype=getattr(torch, name)) for name in [*DTYPES, "complex64"]}
        value.update(empty=torch.empty(0, 2), scalar=torch.tensor(3), part=torch.arange(10)[4:6])
        path = tmp_path / "value.safetensors"
        safetensors.save_file(value, path, {"made": "here"})
        for again in (safetensors.load_file(path), load(path), safetensors.load(safetensors.save(value))):
            assert set(again) == set(value)
            for name, tensor in value.items():
                assert again[name].dtype == tensor.dtype
                assert again[name].tolist() == tensor.tolist()
        safetensors.load_file(path)["float32"].zero_()
        assert safetensors.load_file(path)["float32"].tolist() == [[1.0] * 3] * 2

    def test_published_file(self):
        path = DATA / "checkpoints" / "silero-vad" / "silero_vad_16k.safetensors"
        if not path.exists():
            pytest.skip("the published file is not here")
        value = safetensors.load_file(path)
        assert tuple(value["conv1.weight"].shape) == (128, 129, 3)
        assert describe(safetensors.load(safetensors.save(value))["conv1.bias"]) == describe(value["conv1.bias"])

    @pytest.mark.parametrize(
        "header",
        [
            b"",
            b"{",
            b"[]",
            b"\xff{}",
            b"[" * 100_000,
            '{"a":1}',
            '{"a":{"dtype":"F32","shape":[1]}}',
            '{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}',
            '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
            '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,-4]}}',
            '{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
            '{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}',
            '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
            '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
            '{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}',
            '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
            '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}',
            '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
            '{"__metadata__":{"a":1}}',
        ],
    )
    def test_bad_headers(self, header):
        with pytest.raises(ValueError, match="safetensors"):
            safetensors.load(self.file(header, bytes(8)))

    @pytest.mark.parametrize("data", [b"", b"abc", b"\xff" * 8, (101_000_000).to_bytes(8, "little") + b"{}"])
    def test_bad_lengths(self, data, tmp_path):
        with pytest.raises(ValueError, match="safetensors"):
            safetensors.load(data)
        (tmp_path / "bad").write_bytes(data)
        with pytest.raises(ValueError, match="safetensors"):
            safetensors.load_file(tmp_path / "bad")

    def test_save_refuses(self):
        x = torch.ones(2, 3)
        with pytest.raises(ValueError, match="not contiguous"):
            safetensors.save({"x": x.t()})
        with pytest.raises(RuntimeError, match="share memory"):
            safetensors.save({"x": x, "y": x})
        with pytest.raises(ValueError, match="complex128"):
            safetensors.save({"x": torch.ones(1, dtype=torch.complex128)})
