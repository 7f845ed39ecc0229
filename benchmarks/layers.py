# Layers of networks in several sizes, forward and forward with backward: where is facula the slower one? Refuses whole
# models (models.py), single operations (families.py) and the cost of a call (overhead.py).
from __future__ import annotations

import functools
from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
from timing import Case, Group, compare_groups, finish, options

import facula

# A case is "operands | statement" or "operands | statement | module, called l". An operand is a name and its sizes;
# "i 64 20 <1000" are integers below a thousand. Every other operand and every parameter gets a gradient.
CASES = {
    "convolution": """
        x 16 64 32 32, w 64 64 3 3 | f.conv2d(x, w, padding=1)
        x 64 32 26 26, w 64 32 3 3 | f.conv2d(x, w)
        x 16 256 8 8, w 256 256 3 3 | f.conv2d(x, w, padding=1)
        x 16 128 8 8, w 128 128 3 3 | f.conv2d(x, w, padding=1)
        x 8 512 4 4, w 512 512 3 3 | f.conv2d(x, w, padding=1)
        x 64 1 28 28, w 32 1 3 3 | f.conv2d(x, w)
        x 64 6 14 14, w 16 6 5 5 | f.conv2d(x, w)
        x 8 3 64 64, w 64 3 7 7 | f.conv2d(x, w, stride=2, padding=3)
        x 16 64 16 16, w 128 64 3 3 | f.conv2d(x, w, stride=2, padding=1)
        x 16 64 16 16, w 128 64 1 1 | f.conv2d(x, w)
        x 16 64 16 16, w 128 64 1 1 | f.conv2d(x, w, stride=2)
        x 8 64 32 32, w 64 1 3 3 | f.conv2d(x, w, padding=1, groups=64)
        x 8 64 32 32, w 64 1 3 3 | f.conv2d(x, w, stride=2, padding=1, groups=64)
        x 4 96 14 14, w 96 1 7 7 | f.conv2d(x, w, padding=3, groups=96)
        x 8 32 32 32, w 32 32 3 3 | f.conv2d(x, w, padding=2, dilation=2)
        x 8 64 16 16, w 64 32 2 2 | f.conv_transpose2d(x, w, stride=2)
        x 8 64 16 16, w 64 32 4 4 | f.conv_transpose2d(x, w, stride=2, padding=1)
        x 16 64 256, w 64 64 5 | f.conv1d(x, w, padding=2)
        x 8 64 256, w 64 1 4 | f.conv1d(x, w, padding=3, groups=64)
        x 2 8 8 16 16, w 16 8 3 3 3 | f.conv3d(x, w, padding=1)
        x 2 16 8 16 16, w 32 16 3 3 3 | f.conv3d(x, w, stride=2, padding=1)""",
    "pooling": """
        x 16 32 32 32 | f.max_pool2d(x, 2)
        x 16 64 32 32 | f.max_pool2d(x, 3, 2, 1)
        x 16 32 32 32 | f.avg_pool2d(x, 2)
        x 16 64 16 16 | f.adaptive_avg_pool2d(x, 1)
        x 16 64 15 15 | f.adaptive_avg_pool2d(x, 7)
        x 16 64 15 15 | f.adaptive_max_pool2d(x, 7)
        x 16 32 512 | f.max_pool1d(x, 2)
        x 4 8 16 16 16 | f.max_pool3d(x, 2)
        x 4 8 16 16 16 | f.avg_pool3d(x, 2)
        x 4 8 16 16 16 | f.adaptive_avg_pool3d(x, 4)
        x 4 8 16 16 16 | f.adaptive_max_pool3d(x, 4)
        x 8 16 32 32 | f.unfold(x, 3, padding=1)
        x 8 144 1024 | f.fold(x, (32, 32), 3, padding=1)""",
    "resampling": """
        x 8 16 64 64 | f.interpolate(x, scale_factor=2)
        x 8 16 64 64 | f.interpolate(x, scale_factor=2, mode='bilinear')
        x 8 16 64 64 | f.interpolate(x, scale_factor=2, mode='bicubic')
        x 2 3 224 224 | f.interpolate(x, size=100, mode='bilinear', antialias=True)
        x 8 16 4096 | f.interpolate(x, scale_factor=2, mode='linear')
        x 2 8 16 32 32 | f.interpolate(x, scale_factor=2, mode='trilinear')
        x 4 16 64 64, y 4 64 64 2 | f.grid_sample(x, y, align_corners=False)
        x 4 16 64 64, y 4 64 64 2 | f.grid_sample(x, y, 'nearest', align_corners=False)
        x 4 16 64 64, y 4 64 64 2 | f.grid_sample(x, y, 'bicubic', align_corners=False)
        x 4 2 3 | f.affine_grid(x, (4, 1, 64, 64), align_corners=False)
        x 8 64 16 16 | f.pixel_shuffle(x, 2)
        x 8 16 32 32 | f.pad(x, (2, 2, 2, 2), 'reflect')
        x 8 16 32 32 | f.pad(x, (2, 2, 2, 2))""",
    "normalisation": """
        x 32 64 16 16 | l(x) | BatchNorm2d(64)
        x 128 256 | l(x) | BatchNorm1d(256)
        x 32 64 16 16 | l(x) | GroupNorm(8, 64)
        x 16 256 4 4 | l(x) | GroupNorm(8, 256)
        x 32 64 16 16 | l(x) | InstanceNorm2d(64)
        x 64 32 128 | l(x) | LayerNorm(128)
        x 32 768 | l(x) | LayerNorm(768)
        x 4 256 1024 | l(x) | RMSNorm(1024)
        x 8 32 16 16 | f.local_response_norm(x, 5)""",
    "lookup and loss": """
        i 32 20 <1000, w 1000 64 | f.embedding(i, w)
        i 16 64 <30000, w 30000 128 | f.embedding(i, w)
        i 64 20 <1000, w 1000 64 | f.embedding_bag(i, w, mode='sum')
        i 64 20 <1000, w 1000 64 | f.embedding_bag(i, w, mode='mean')
        i 64 20 <1000, w 1000 64 | f.embedding_bag(i, w, mode='max')
        x 64 10, i 64 <10 | f.cross_entropy(x, i)
        x 256 1000, i 256 <1000 | f.cross_entropy(x, i)
        x 8 21 32 32, i 8 32 32 <21 | f.cross_entropy(x, i)
        x 100 16 30, i 16 20 <29 | f.ctc_loss(x.log_softmax(2), i + 1, (100,) * 16, (20,) * 16)
        x 64 1024 | f.dropout(x)""",
    "attention and recurrence": """
        q 4 8 128 64, k 4 8 128 64, v 4 8 128 64 | f.scaled_dot_product_attention(q, k, v)
        q 4 8 128 64, k 4 8 128 64, v 4 8 128 64 | f.scaled_dot_product_attention(q, k, v, is_causal=True)
        q 1 8 512 64, k 1 8 512 64, v 1 8 512 64 | f.scaled_dot_product_attention(q, k, v)
        x 8 32 128 | l(x) | TransformerEncoderLayer(128, 4, 256, 0.0, batch_first=True)
        x 20 16 32 | l(x)[0] | LSTM(32, 64)
        x 50 8 64 | l(x)[0] | LSTM(64, 128, 2)
        x 10 64 128 | l(x)[0] | LSTM(128, 256)
        x 20 16 32 | l(x)[0] | GRU(32, 64)
        x 10 64 128 | l(x)[0] | GRU(128, 256)
        x 20 16 32 | l(x)[0] | RNN(32, 64)
        x 64 256 | l(x) | Linear(256, 512)""",
}
STEPS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Rprop")


def names(m: Any, case: str) -> dict[str, Any]:
    """What a case's statement needs in one library: operands, leaves that get a gradient, and the result's gradient."""
    m.manual_seed(0)
    m.set_num_threads(2)
    operands, statement, *module = (part.strip() for part in case.split("|"))
    known: dict[str, Any] = {"m": m, "f": m.nn.functional, "grad": m.autograd.grad}
    for operand in operands.split(", "):
        name, *sizes = operand.split()
        if sizes[-1].startswith("<"):
            known[name] = m.randint(0, int(sizes[-1][1:]), [int(s) for s in sizes[:-1]])
        else:
            known[name] = (m.randn(*map(int, sizes)) / 4).requires_grad_()
    known["leaves"] = [t for t in known.values() if isinstance(t, m.Tensor) and t.requires_grad]
    if module:
        known["l"] = eval(f"nn.{module[0]}", {"nn": m.nn})
        known["leaves"] += list(known["l"].parameters())
    known["g"] = m.ones_like(eval(statement, known))
    return known


def optimiser(m: Any, name: str) -> dict[str, Any]:
    """An optimiser of two layers whose gradients are there."""
    m.manual_seed(0)
    parameters = [m.nn.Parameter(m.randn(*sizes)) for sizes in ((512, 512), (512,), (10, 512), (10,))]
    for p in parameters:
        p.grad = m.randn(*p.shape) / 1000
    return {"o": getattr(m.optim, name)(parameters, lr=1e-4)}


def main() -> None:
    """Times every case without recording a graph, then with it and the gradients of all leaves."""
    given = options(__doc__ or "layers", 0.2)
    groups = []
    for family, cases in CASES.items():
        for case in cases.strip().splitlines():
            statement = case.split("|")[1].strip()
            label = f"{family}: {', '.join(part.strip() for part in case.split('|'))}"
            make = functools.partial(names, case=case)
            groups.append(Group(make, [Case(f"{label}, forward", statement, 1.0)]))
            both_ways = Case(f"{label}, both ways", f"grad({statement}, leaves, g)", 1.0)
            groups.append(Group(make, [both_ways], records=True))
    for name in STEPS:
        groups.append(Group(functools.partial(optimiser, name=name), [Case(f"step: {name}", "o.step()", 1.0)], True))
    finish(compare_groups(groups, {"torch": torch, "facula": facula}, given.seconds), given.json)


if __name__ == "__main__":
    main()
