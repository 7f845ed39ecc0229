"""LeNet on MNIST: 99 % of the test images within three epochs."""

import argparse
import time

import facula as torch
from facula import nn
from facula.datasets import MNIST
from facula.utils.data import DataLoader, TensorDataset


class LeNet(nn.Module):
    """Two convolutions and three linear layers."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(800, 256),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(256, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def load(root, train, limit):
    part = MNIST(root, train=train)
    images = (part.data[:limit].unsqueeze(1).float() / 255 - 0.1307) / 0.3081  # the training part's mean and deviation
    return TensorDataset(images, part.targets[:limit])


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="data", help="the folder with MNIST's four files")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    limit = 1500 if options.quick else None
    train = DataLoader(load(options.data, True, limit), batch_size=64, shuffle=True)
    test = DataLoader(load(options.data, False, limit), batch_size=500)
    model = LeNet()
    epochs = 1 if options.quick else options.epochs
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * len(train))
    for epoch in range(epochs):
        model.train()
        start = time.perf_counter()
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1}  loss {loss.item():.4f}  test accuracy {accuracy(model, test):.2%}  {seconds:.1f} s")


if __name__ == "__main__":
    main()
