"""A variational autoencoder of the 8x8 digits: two numbers for each image, and images from two numbers."""

import argparse

import facula as torch
from facula import nn
from facula.datasets import Digits
from facula.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, hidden=128, code=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=-1)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        return self.decoder(code), mean, log_variance


def loss_of(logits, x, mean, log_variance):
    """How badly the image is drawn, and how far the code is from a standard normal one."""
    drawn = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum()
    return (drawn + divergence) / len(x)


def picture(image):
    """An image as text."""
    return ["".join(" .:-=+*#%@"[min(9, int(10 * value))] * 2 for value in row) for row in image.tolist()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    images = Digits(train=True).data.flatten(1).float() / 16
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    epochs = 3 if options.quick else options.epochs
    for epoch in range(1, epochs + 1):
        total = 0.0
        for x in DataLoader(images, batch_size=64, shuffle=True):
            logits, mean, log_variance = model(x)
            loss = loss_of(logits, x, mean, log_variance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        if epoch % max(1, epochs // 6) == 0:
            print(f"epoch {epoch:3}  loss {total / len(images):.3f}")
    with torch.no_grad():
        drawn = model.decoder(torch.randn(5, 2)).sigmoid().view(-1, 8, 8)
    for rows in zip(*map(picture, drawn)):
        print("  ".join(rows))


if __name__ == "__main__":
    main()
