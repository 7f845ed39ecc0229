# Small whole models and how each is trained, for any package with PyTorch's API: make(m) gives a step that trains once
# and returns the loss. models.py times the steps; tests/oracle/test_models.py compares the losses with torch's.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]


def training(model: Any, loss_of: Callable[..., Any], optimizer: Any, batches: list[tuple]) -> Step:
    """The usual five lines, over the batches in turn."""
    count = 0

    def step() -> Any:
        nonlocal count
        batch = batches[count % len(batches)]
        count += 1
        optimizer.zero_grad()
        loss = loss_of(model, *batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def classify(m: Any) -> Callable[..., Any]:
    return lambda model, x, y: m.nn.functional.cross_entropy(model(x), y)


def images(m: Any, size: int, channels: int, side: int, count: int = 3) -> list[tuple]:
    return [(m.randn(size, channels, side, side), m.randint(0, 10, (size,))) for _ in range(count)]


def mlp(m: Any, optimizer: str = "SGD") -> Step:
    """784-400-200-100-10, batch 64."""
    nn = m.nn
    model = nn.Sequential(
        nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 200), nn.ReLU(), nn.Linear(200, 100), nn.ReLU(),
        nn.Linear(100, 10),
    )  # fmt: skip
    batches = [(m.randn(64, 784), m.randint(0, 10, (64,))) for _ in range(3)]
    if optimizer == "Adam":
        return training(model, classify(m), m.optim.Adam(model.parameters(), lr=1e-4), batches)
    return training(model, classify(m), m.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), batches)


def lenet(m: Any, batch: int = 64) -> Step:
    """Two convolutions with pooling and three layers, 32 x 32 images."""
    nn = m.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return training(model, classify(m), m.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), images(m, batch, 1, 32))


def two_convolutions(m: Any) -> Step:
    """PyTorch's MNIST example: 32 and 64 channels, dropout, Adadelta, batch 64."""
    nn = m.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1),
    )  # fmt: skip
    return training(
        model,
        lambda model, x, y: m.nn.functional.nll_loss(model(x), y),
        m.optim.Adadelta(model.parameters(), lr=0.1),
        images(m, 64, 1, 28),
    )


def residual(m: Any, widths: tuple[int, ...], blocks: int, batch: int, lr: float = 2e-5) -> Step:
    """A residual network on 32 x 32 images: a stem, `blocks` blocks of two convolutions for each width, a head."""
    nn = m.nn

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Sequential()
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(m.relu(self.bn1(self.conv1(x)))))
            return m.relu(y + self.shortcut(x))

    layers: list[Any] = [nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    inputs = widths[0]
    for i, width in enumerate(widths):
        for j in range(blocks):
            layers.append(Block(inputs, width, 2 if i > 0 and j == 0 else 1))
            inputs = width
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))
    return training(
        model, classify(m), m.optim.SGD(model.parameters(), lr=lr, momentum=0.9), images(m, batch, 3, 32, 2)
    )


def small_residual(m: Any) -> Step:
    """Seven convolutions of 64 channels at 32 x 32, batch 16."""
    return residual(m, (64,), 3, 16)


def resnet18(m: Any, batch: int = 4) -> Step:
    return residual(m, (64, 128, 256, 512), 2, batch)


def vgg(m: Any, batch: int = 8) -> Step:
    """Six convolutions with pooling, 32 x 32 images."""
    nn = m.nn
    layers: list[Any] = []
    inputs = 3
    for width in (32, 32, 64, 64, 128, 128):
        layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
        if width == inputs:
            layers.append(nn.MaxPool2d(2))
        inputs = width
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10))
    return training(model, classify(m), m.optim.SGD(model.parameters(), lr=0.02, momentum=0.9), images(m, batch, 3, 32))


def unet(m: Any, batch: int = 4) -> Step:
    """Two levels down, two up by transposed convolutions, with the features of the way down joined on."""
    nn = m.nn

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2, self.middle = self.pair(1, 16), self.pair(16, 32), self.pair(32, 64)
            self.up2 = nn.ConvTranspose2d(64, 32, 2, stride=2)
            self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2)
            self.join2, self.join1 = self.pair(64, 32), self.pair(32, 16)
            self.head = nn.Conv2d(16, 1, 1)
            self.pool = nn.MaxPool2d(2)

        @staticmethod
        def pair(inputs: int, outputs: int) -> Any:
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            a = self.down1(x)
            b = self.down2(self.pool(a))
            c = self.middle(self.pool(b))
            b = self.join2(m.cat((self.up2(c), b), 1))
            return self.head(self.join1(m.cat((self.up1(b), a), 1)))

    model = UNet()
    batches = [(m.randn(batch, 1, 32, 32), m.rand(batch, 1, 32, 32).round()) for _ in range(2)]
    return training(
        model,
        lambda model, x, y: m.nn.functional.binary_cross_entropy_with_logits(model(x), y),
        m.optim.Adam(model.parameters(), lr=1e-4),
        batches,
    )


def recurrent(m: Any, kind: str) -> Step:
    """An LSTM or GRU over 28 steps of 64 numbers, batch 32, hidden 128; the last state is classified."""
    nn = m.nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = getattr(nn, kind)(64, 128, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.rnn(x)[0][:, -1])

    model = Reader()
    batches = [(m.randn(32, 28, 64), m.randint(0, 10, (32,))) for _ in range(3)]
    return training(model, classify(m), m.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), batches)


def lstm(m: Any) -> Step:
    return recurrent(m, "LSTM")


def gru(m: Any) -> Step:
    return recurrent(m, "GRU")


def transformer(m: Any) -> Step:
    """nn.TransformerEncoder: 2 layers, 16 x 64 x 128, dropout 0.1."""
    nn = m.nn
    layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.1, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(128, 10))
    batches = [(m.randn(16, 64, 128), m.randint(0, 10, (16,))) for _ in range(3)]
    return training(
        model,
        lambda model, x, y: m.nn.functional.cross_entropy(model(x).mean(1), y),
        m.optim.SGD(model.parameters(), lr=0.02, momentum=0.9),
        batches,
    )


def gpt(m: Any) -> Step:
    """A character GPT: 4 layers, 128 wide, 12 x 64 of 65 characters, AdamW."""
    nn = m.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(128), nn.LayerNorm(128)
            self.qkv, self.out = nn.Linear(128, 384), nn.Linear(128, 128)
            self.mlp = nn.Sequential(nn.Linear(128, 512), nn.GELU(), nn.Linear(512, 128))

        def forward(self, x: Any) -> Any:
            batch, length, width = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, 4, 32).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.position = nn.Embedding(65, 128), nn.Embedding(64, 128)
            self.blocks = nn.Sequential(*(Block() for _ in range(4)))
            self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 65, bias=False)

        def forward(self, x: Any) -> Any:
            return self.head(self.norm(self.blocks(self.token(x) + self.position(m.arange(64)))))

    model = GPT()
    batches = [(m.randint(0, 65, (12, 64)), m.randint(0, 65, (12, 64))) for _ in range(3)]
    return training(
        model,
        lambda model, x, y: m.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()),
        m.optim.AdamW(model.parameters(), lr=3e-5),
        batches,
    )


def vae(m: Any) -> Step:
    """A variational autoencoder of 784 numbers, batch 64."""
    nn = m.nn

    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
            self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))

        def forward(self, x: Any) -> Any:
            mean, log_variance = self.encoder(x).chunk(2, 1)
            code = mean + (0.5 * log_variance).exp() * m.randn_like(mean)
            return self.decoder(code), mean, log_variance

    def loss_of(model: Any, x: Any) -> Any:
        drawn, mean, log_variance = model(x)
        error = nn.functional.binary_cross_entropy_with_logits(drawn, x, reduction="sum")
        return (error - 0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum()) / len(x)

    model = VAE()
    return training(model, loss_of, m.optim.Adam(model.parameters(), lr=1e-3), [(m.rand(64, 784),) for _ in range(3)])


def tabular(m: Any) -> Step:
    """Ten columns of numbers and four of categories with embeddings, batch 64."""
    nn = m.nn

    class Tabular(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = nn.ModuleList(nn.Embedding(count, 8) for count in (12, 7, 50, 3))
            self.net = nn.Sequential(
                nn.BatchNorm1d(42), nn.Linear(42, 64), nn.SiLU(), nn.Dropout(0.1), nn.Linear(64, 1)
            )

        def forward(self, numbers: Any, codes: Any) -> Any:
            parts = [embedding(code) for embedding, code in zip(self.embeddings, codes.unbind(1))]
            return self.net(m.cat((numbers, *parts), 1)).squeeze(1)

    model = Tabular()
    batches = [(m.randn(64, 10), m.randint(0, 3, (64, 4)), m.randn(64)) for _ in range(3)]
    return training(
        model,
        lambda model, numbers, codes, y: m.nn.functional.mse_loss(model(numbers, codes), y),
        m.optim.AdamW(model.parameters(), lr=1e-3),
        batches,
    )
