"""Train on the digits 0 to 4, save, load into a new model, and learn 5 to 9 from few examples with a new head."""

import argparse
import os
import tempfile

import facula as torch
from facula import nn
from facula.datasets import Digits


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(128, 5),
    )  # fmt: skip


def digits(train, low, high):
    part = Digits(train=train)
    wanted = (part.targets >= low) & (part.targets < high)
    return part.data[wanted].unsqueeze(1).float() / 16, part.targets[wanted] - low


def fit(model, x, y, epochs, lr):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.no_grad()
def accuracy(model, x, y):
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--examples", type=int, default=50, help="of the new digits")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    epochs = 3 if options.quick else 15
    first = network()
    fit(first, *digits(True, 0, 5), epochs, 2e-3)
    print(f"0 to 4: test accuracy {accuracy(first, *digits(False, 0, 5)):.2%}")

    x, y = digits(True, 5, 10)
    x, y = x[: options.examples], y[: options.examples]
    test = digits(False, 5, 10)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "digits.pt")
        torch.save(first.state_dict(), path)
        tuned = network()
        tuned.load_state_dict(torch.load(path))
    tuned[-1] = nn.Linear(128, 5)
    for p in tuned[:-1].parameters():
        p.requires_grad_(False)
    fit(tuned, x, y, 4 * epochs, 5e-3)
    print(f"5 to 9 from {len(x)} examples: test accuracy {accuracy(tuned, *test):.2%} with a new head only")
    tuned.requires_grad_(True)
    fit(tuned, x, y, epochs, 5e-4)
    print(f"                         {accuracy(tuned, *test):.2%} after all layers learned too")
    fresh = network()
    fit(fresh, x, y, 5 * epochs, 2e-3)
    print(f"                         {accuracy(fresh, *test):.2%} from scratch")


if __name__ == "__main__":
    main()
