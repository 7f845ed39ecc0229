"""A generator that draws digits and a discriminator that tells them from real ones (DCGAN) on the 8x8 digits."""

import argparse

import facula as torch
from facula import nn
from facula.datasets import Digits
from facula.utils.data import DataLoader

CODE = 16


def generator():
    return nn.Sequential(
        nn.ConvTranspose2d(CODE, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU(True),
        nn.ConvTranspose2d(64, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(True),
        nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip


def discriminator():
    return nn.Sequential(
        nn.Conv2d(1, 32, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True),
        nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2, True),
        nn.Conv2d(64, 1, 4), nn.Flatten(0),
    )  # fmt: skip


def initialise(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def shade(value):
    return " .:-=+*#%@"[min(9, int(5 * (value + 1)))] * 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    images = Digits(train=True).data.unsqueeze(1).float() / 8 - 1
    draw, judge = generator().apply(initialise), discriminator().apply(initialise)
    optimizers = [torch.optim.Adam(net.parameters(), lr=5e-4, betas=(0.5, 0.999)) for net in (draw, judge)]
    loss_fn = nn.BCEWithLogitsLoss()
    epochs = 2 if options.quick else options.epochs
    for epoch in range(1, epochs + 1):
        for real in DataLoader(images, batch_size=64, shuffle=True, drop_last=True):
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
            fake = draw(torch.randn(len(real), CODE, 1, 1))
            judge_loss = loss_fn(judge(real), ones) + loss_fn(judge(fake.detach()), zeros)
            judge.zero_grad()
            judge_loss.backward()
            optimizers[1].step()
            draw_loss = loss_fn(judge(fake), ones)
            draw.zero_grad()
            draw_loss.backward()
            optimizers[0].step()
        if epoch % max(1, epochs // 6) == 0:
            print(f"epoch {epoch:3}  discriminator {judge_loss.item():.3f}  generator {draw_loss.item():.3f}")
    draw.eval()
    with torch.no_grad():
        drawn = draw(torch.randn(6, CODE, 1, 1))[:, 0]
    for row in drawn.permute(1, 0, 2):
        print(
            "  ".join(
                "".join(" .:-=+*#%@"[min(9, int(5 * (value + 1)))] * 2 for value in part) for part in row.tolist()
            )
        )


if __name__ == "__main__":
    main()
