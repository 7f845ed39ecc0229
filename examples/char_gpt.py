"""A small GPT that learns Shakespeare by characters: a loss below 1.9 within a few minutes on two cores."""

import argparse
import math
import os
import time

import facula as torch
from facula import nn
from facula.datasets import Characters
from facula.nn import functional as F


class Attention(nn.Module):
    """Every character looks at those before it, in several heads."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, characters, length, width=128, layers=4, heads=4):
        super().__init__()
        self.length = length
        self.token = nn.Embedding(characters, width)
        self.position = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, characters, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if name.endswith("out.weight") else 0.02)

    def forward(self, x):
        x = self.token(x) + self.position(torch.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @torch.no_grad()
    def generate(self, x, count):
        for _ in range(count):
            logits = self(x[:, -self.length :])[:, -1]
            x = torch.cat((x, torch.multinomial(logits.softmax(-1), 1)), 1)
        return x


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="data/tinyshakespeare", help="the folder with input.txt")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    with open(os.path.join(options.data, "input.txt"), encoding="utf-8") as file:
        text = file.read()
    cut = len(text) * 9 // 10
    train = Characters(text[:cut], options.length)
    test = Characters(text[cut:], options.length, train.vocabulary)
    model = GPT(len(train.vocabulary), options.length)
    steps = 20 if options.quick else options.steps
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, pct_start=0.1)

    def batch(data, size):
        starts = torch.randint(len(data), (size, 1)) + torch.arange(options.length + 1)
        rows = data.data[starts]
        return rows[:, :-1], rows[:, 1:]

    def loss_of(x, y):
        return F.cross_entropy(model(x).flatten(0, 1), y.flatten())

    start = time.perf_counter()
    for step in range(1, steps + 1):
        loss = loss_of(*batch(train, options.batch_size))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % max(1, steps // 10) == 0:
            with torch.no_grad():
                other = sum(loss_of(*batch(test, 64)).item() for _ in range(4)) / 4
            print(f"step {step:5}  loss {loss.item():.3f}  other text {other:.3f}  {time.perf_counter() - start:.0f} s")
    print(test.decode(model.generate(test.encode("\n").view(1, 1), 20 if options.quick else 300)[0]))


if __name__ == "__main__":
    main()
