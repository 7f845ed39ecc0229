"""Logistic regression on the 8x8 digits, all samples at once, with L-BFGS."""

import argparse

import facula as torch
from facula.datasets import Digits


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--decay", type=float, default=1e-3, help="weight of the L2 penalty")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    train, test = Digits(train=True), Digits(train=False)
    x, x_test = (part.data.flatten(1).float() / 16 for part in (train, test))
    model = torch.nn.Linear(64, 10)
    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe", max_iter=20)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), train.targets)
        loss = loss + options.decay * model.weight.pow(2).sum()
        loss.backward()
        return loss

    for step in range(2 if options.quick else 10):
        loss = optimizer.step(closure)
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == test.targets).float().mean()
        print(f"step {step + 1:2}  loss {loss.item():.4f}  test accuracy {accuracy.item():.2%}")


if __name__ == "__main__":
    main()
