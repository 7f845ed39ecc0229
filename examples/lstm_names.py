"""An LSTM that learns names by characters and invents new ones."""

import argparse
import os

import facula as torch
from facula import nn
from facula.nn.utils.rnn import pad_sequence

END = 0  # the number of the end of a name; letters follow


class Names(nn.Module):
    def __init__(self, letters, width=64):
        super().__init__()
        self.embedding = nn.Embedding(letters + 1, 24)
        self.lstm = nn.LSTM(24, width, num_layers=2, batch_first=True, dropout=0.1)
        self.head = nn.Linear(width, letters + 1)

    def forward(self, x, state=None):
        y, state = self.lstm(self.embedding(x), state)
        return self.head(y), state

    @torch.no_grad()
    def invent(self, letters):
        self.eval()
        x, state, name = torch.tensor([[END]]), None, ""
        while len(name) < 20:
            logits, state = self(x, state)
            x = torch.multinomial(logits[:, -1].softmax(-1), 1)
            if x.item() == END:
                break
            name += letters[x.item() - 1]
        return name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="data/names", help="the folder with names.txt, a name a line")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    with open(os.path.join(options.data, "names.txt"), encoding="utf-8") as file:
        names = file.read().split()
    letters = "".join(sorted(set("".join(names))))
    coded = [torch.tensor([END, *(letters.index(c) + 1 for c in name), END]) for name in names]
    if options.quick:
        coded = coded[:1000]
    model = Names(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loader = torch.utils.data.DataLoader(
        coded, batch_size=128, shuffle=True, collate_fn=lambda batch: pad_sequence(batch, True, padding_value=-1)
    )
    for epoch in range(1 if options.quick else options.epochs):
        model.train()
        total = 0.0
        for batch in loader:
            x, y = batch[:, :-1].clamp(min=0), batch[:, 1:]  # padding is -1: its losses do not count
            loss = nn.functional.cross_entropy(model(x)[0].flatten(0, 1), y.flatten(), ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        print(
            f"epoch {epoch + 1}  loss {total / len(loader):.3f}  {', '.join(model.invent(letters) for _ in range(5))}"
        )


if __name__ == "__main__":
    main()
