"""Prices of flats from a CSV file: numbers are standardised, categories get embeddings.

The table is made up by this program (a formula and noise), so that what the model should find is known.
"""

import argparse
import csv
import os
import random
import tempfile

import facula as torch
from facula import nn
from facula.datasets import Table
from facula.utils.data import DataLoader

QUARTERS = {"harbour": 3200, "old town": 4100, "station": 2500, "hill": 3600, "meadows": 2900}
STATES = {"new": 1.1, "good": 1.0, "poor": 0.8}


def write_table(path, rows, seed):
    dice = random.Random(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["quarter", "state", "area", "floor", "price"])
        for _ in range(rows):
            quarter, state = dice.choice(list(QUARTERS)), dice.choice(list(STATES))
            area, floor = dice.uniform(20, 140), dice.randrange(8)
            price = QUARTERS[quarter] * STATES[state] * area * (1 + 0.01 * floor) * dice.gauss(1, 0.03)
            writer.writerow([quarter, state, f"{area:.1f}", floor, f"{price / 1000:.2f}"])


class Prices(nn.Module):
    def __init__(self, table, width=64):
        super().__init__()
        counts = [len(table.categories[name]) for name in table.code_columns]
        self.embeddings = nn.ModuleList(nn.Embedding(count + 1, 4) for count in counts)  # one more: unknown words
        self.register_buffer("mean", table.numbers.mean(0))
        self.register_buffer("std", table.numbers.std(0))
        inputs = table.numbers.shape[1] + 4 * len(counts)
        self.net = nn.Sequential(
            nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, numbers, codes):
        parts = [embedding(code) for embedding, code in zip(self.embeddings, codes.unbind(1))]
        return self.net(torch.cat(((numbers - self.mean) / self.std, *parts), 1)).squeeze(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("train.csv", "test.csv")]
        write_table(paths[0], 400 if options.quick else 4000, options.seed)
        write_table(paths[1], 500, options.seed + 1)
        train = Table(paths[0], target="price")
        test = Table(paths[1], target="price", categories=train.categories)
    model = Prices(train)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    epochs = 3 if options.quick else options.epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        model.train()
        for numbers, codes, price in DataLoader(train, batch_size=64, shuffle=True):
            loss = nn.functional.smooth_l1_loss(model(numbers, codes), price.log())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        if epoch % max(1, epochs // 8) == 0:
            model.eval()
            with torch.no_grad():
                off = (model(test.numbers, test.codes).exp() / test.targets - 1).abs().mean()
            print(f"epoch {epoch:3}  loss {loss.item():.5f}  off by {off.item():.2%} on average (noise: 2.4 %)")


if __name__ == "__main__":
    main()
