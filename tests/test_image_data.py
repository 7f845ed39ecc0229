"""CIFAR, images in folders, tables, texts, and transforms of images; good files and damaged ones."""

import io
import tarfile

import pytest

import facula
from facula.datasets import (
    CIFAR10,
    CIFAR100,
    KMNIST,
    Characters,
    FashionMNIST,
    ImageFolder,
    Table,
    read_image,
    transforms,
)
from facula.utils.data import DataLoader

# ---- CIFAR ----


def records(labels, width=1):
    return b"".join(
        bytes([9] * (width - 1) + [label]) + bytes([label] * 1024 + [0] * 1024 + [255] * 1024) for label in labels
    )


def test_cifar(tmp_path):
    folder = tmp_path / CIFAR10.folder
    folder.mkdir()
    for i, name in enumerate([*CIFAR10.train_files, *CIFAR10.test_files]):
        (folder / name).write_bytes(records([i, i + 1]))
    train, test = CIFAR10(tmp_path), CIFAR10(tmp_path, train=False, transform=lambda x: x.float())
    assert (len(train), len(test)) == (10, 2) and train.targets.tolist()[:4] == [0, 1, 1, 2]
    image, target = train[3]
    assert image.shape == (3, 32, 32) and target == 2 and image[:, 0, 0].tolist() == [2, 0, 255]
    assert test[0][0].dtype is facula.float32 and "CIFAR10(train=True): 10 images" in repr(train)


def test_cifar_100_takes_the_fine_label(tmp_path):
    (tmp_path / CIFAR100.folder).mkdir()
    (tmp_path / CIFAR100.folder / "test.bin").write_bytes(records([42, 99], width=2))
    assert CIFAR100(tmp_path, train=False).targets.tolist() == [42, 99]


def test_cifar_from_its_archive(tmp_path):
    with tarfile.open(tmp_path / CIFAR100.archive[0], "w:gz") as archive:
        for name in ("train.bin", "test.bin", "../evil"):
            data = records([7], width=2)
            member = tarfile.TarInfo(f"{CIFAR100.folder}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert CIFAR100(tmp_path, download=True)[0][1] == 7
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"\x01" * 100, records([3])[:-1], records([200])])
def test_damaged_cifar(tmp_path, content):
    (tmp_path / CIFAR10.folder).mkdir()
    (tmp_path / CIFAR10.folder / "test_batch.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"test_batch\.bin"):
        CIFAR10(tmp_path, train=False)


@pytest.mark.parametrize("kind", [CIFAR10, CIFAR100, FashionMNIST, KMNIST])
def test_absent_files(kind, tmp_path):
    with pytest.raises(RuntimeError, match="download=True"):
        kind(tmp_path)


# ---- images in folders ----


@pytest.fixture
def pictures(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    for name, colour in (("red/1.png", (255, 0, 0)), ("red/deep/2.png", (200, 0, 0)), ("blue/1.PNG", (0, 0, 255))):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), colour).save(path)
    (tmp_path / "red" / "notes.txt").write_text("no image")
    return tmp_path


def test_image_folder(pictures):
    data = ImageFolder(pictures)
    assert data.classes == ["blue", "red"] and data.class_to_idx == {"blue": 0, "red": 1}
    assert data.targets == [0, 1, 1] and data.imgs is data.samples
    image, target = data[0]
    assert image.shape == (3, 4, 6) and image.dtype is facula.uint8 and image[:, 0, 0].tolist() == [0, 0, 255]
    assert target == 0 and "3 images in 2 classes" in repr(data)
    batch, _ = next(iter(DataLoader(ImageFolder(pictures, transforms.ToTensor()), batch_size=3)))
    assert batch.shape == (3, 3, 4, 6) and float(batch.max()) == 1


def test_empty_classes(pictures):
    (pictures / "green").mkdir()
    with pytest.raises(FileNotFoundError, match="green"):
        ImageFolder(pictures)
    assert len(ImageFolder(pictures, allow_empty=True)) == 3
    with pytest.raises(FileNotFoundError, match="class folder"):
        ImageFolder(pictures / "green")


def test_read_image_grey(pictures):
    assert read_image(pictures / "red" / "1.png", "L").shape == (1, 4, 6)


# ---- tables ----


def test_table_of_another_part(tmp_path):
    (tmp_path / "train.csv").write_text("a;kind;y\n1;x;no\n;z;yes\n")
    (tmp_path / "test.csv").write_text("a;kind;y\n5;q;yes\n")
    train = Table(tmp_path / "train.csv", target="y", delimiter=";")
    assert train.numbers.isnan().tolist() == [[False], [True]] and train.codes.tolist() == [[0], [1]]
    assert train.targets.tolist() == [0, 1] and train.number_columns == ["a"] and train.code_columns == ["kind"]
    test = Table(tmp_path / "test.csv", target="y", delimiter=";", categories=train.categories)
    assert test.codes.tolist() == [[2]] and test.targets.tolist() == [1]
    assert "2 rows, 1 columns of numbers and 1 of categories" in repr(train)


def test_table_of_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    parquet.write_table(pyarrow.table({"n": [1, None], "w": ["b", "a"]}), tmp_path / "t.parquet")
    data = Table(tmp_path / "t.parquet")
    assert data.codes.tolist() == [[1], [0]] and data.numbers[0].tolist() == [1.0] and len(data[0]) == 2


@pytest.mark.parametrize("text", ["", "a,b\n", "a,b\n1\n", "a,a\n1,2\n"])
def test_damaged_table(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=r"t\.csv"):
        Table(tmp_path / "t.csv")


def test_unknown_column(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no column 'c'; it has 'a', 'b'"):
        Table(tmp_path / "t.csv", columns=["c"])


# ---- texts ----


def test_characters(tmp_path):
    (tmp_path / "t.txt").write_text("hello")
    data = Characters(tmp_path / "t.txt", 2)
    assert data.vocabulary == "ehlo" and len(data) == 3
    assert data.decode(data[-1][1]) == "lo"
    with pytest.raises(IndexError):
        data[3]
    with pytest.raises(ValueError, match="'x'"):
        data.encode("x")
    with pytest.raises(ValueError, match="5 characters"):
        Characters("hello", 5)


# ---- transforms ----


def test_to_tensor():
    np = pytest.importorskip("numpy")
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    out = transforms.ToTensor()(image)
    assert out.shape == (3, 2, 4) and float(out[1, 0, 0]) == pytest.approx(1 / 255)
    assert transforms.ToTensor()(facula.zeros(5, 6, dtype=facula.uint8)).shape == (1, 5, 6)
    assert transforms.ToTensor()(facula.full((1, 2, 2), 3.0)).max() == 3


def test_normalize():
    image = facula.ones(2, 3, 3)
    out = transforms.Normalize((0.5, 0.0), (0.5, 2.0))(image)
    assert out[:, 0, 0].tolist() == [1.0, 0.5] and image.max() == 1
    with pytest.raises(TypeError, match="ToTensor"):
        transforms.Normalize((0,), (1,))(image.long())
    with pytest.raises(ValueError, match="std"):
        transforms.Normalize((0,), (0,))


def test_crops_and_flips():
    image = facula.arange(16.0).view(1, 4, 4)
    assert transforms.CenterCrop(2)(image).tolist() == [[[5, 6], [9, 10]]]
    assert transforms.CenterCrop((6, 2))(image).shape == (1, 6, 2)
    assert transforms.RandomHorizontalFlip(1.0)(image)[0, 0].tolist() == [3, 2, 1, 0]
    assert transforms.RandomVerticalFlip(1.0)(image)[0, :, 0].tolist() == [12, 8, 4, 0]
    assert transforms.RandomHorizontalFlip(0.0)(image) is image
    assert transforms.Pad((1, 2))(image).shape == (1, 8, 6)
    facula.manual_seed(0)
    seen = {tuple(transforms.RandomCrop(3, padding=1)(image).flatten().tolist()) for _ in range(50)}
    assert len(seen) > 5 and all(len(s) == 9 for s in seen)
    with pytest.raises(ValueError, match="larger than input"):
        transforms.RandomCrop(5)(image)


def test_compose_shows_its_parts():
    both = transforms.Compose(
        [transforms.Pad(1), transforms.Lambda(abs), transforms.RandomApply([transforms.Pad(1)], 1.0)]
    )
    assert both(facula.full((1, 2, 2), -1.0)).sum() == 4
    assert "    Pad(padding=1, fill=0)" in repr(both)
    with pytest.raises(TypeError, match="callable"):
        transforms.Lambda(3)
