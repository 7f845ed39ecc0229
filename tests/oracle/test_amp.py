"""autocast and GradScaler against torch: the type of every operation's result, gradients, a training step."""

import warnings

import pytest
import torch

import facula

BOTH = (facula, torch)


def images(p, *shape):
    return p.linspace(-1, 1, facula.Size(shape).numel()).reshape(shape)


def losses(p, F, h):
    sign, classes = h.sign(), p.tensor([0, 1, 2])
    yield "mse_loss", F.mse_loss(h, h)
    yield "mse_loss of float64", F.mse_loss(h, h.double())
    yield "l1_loss", F.l1_loss(h, h)
    yield "smooth_l1_loss", F.smooth_l1_loss(h, h)
    yield "huber_loss", F.huber_loss(h, h)
    yield "kl_div", F.kl_div(h, h, reduction="sum")
    yield "bce", F.binary_cross_entropy(h.sigmoid(), h.sigmoid())
    yield "bce_with_logits", F.binary_cross_entropy_with_logits(h, h)
    yield "poisson_nll_loss", F.poisson_nll_loss(h, h)
    yield "gaussian_nll_loss", F.gaussian_nll_loss(h, h, h.abs() + 1)
    yield "soft_margin_loss", F.soft_margin_loss(h, sign)
    yield "hinge_embedding_loss", F.hinge_embedding_loss(h, sign)
    yield "margin_ranking_loss", F.margin_ranking_loss(h, h, sign)
    yield "cosine_embedding_loss", F.cosine_embedding_loss(h[0], h[0], p.ones(3))
    yield "triplet_margin_loss", F.triplet_margin_loss(h, h, h)
    yield "multi_margin_loss", F.multi_margin_loss(h[0], classes)
    yield "multilabel_margin_loss", F.multilabel_margin_loss(h[0], p.zeros(3, 8, dtype=p.long))
    yield "cross_entropy", F.cross_entropy(h[0], classes)
    yield "cross_entropy of probabilities", F.cross_entropy(h[0], h[0].softmax(-1))
    yield "nll_loss", F.nll_loss(h[0], classes)
    length = p.tensor([4, 4, 4])
    yield "ctc_loss", F.ctc_loss(h.log_softmax(-1), p.ones(3, 2, dtype=p.long), length, p.tensor([2, 2, 2]))


def networks(p, F, x, h):
    nn, image = p.nn, images(p, 2, 3, 8, 8)
    small, volume = image.bfloat16(), images(p, 1, 2, 4, 4, 4).bfloat16()
    for name in ("LSTM", "GRU", "RNN"):
        layer = getattr(nn, name)(8, 5, num_layers=2, bidirectional=True)
        yield name, layer(x)
        yield name + " of bfloat16", layer(h)
        yield name + "Cell", getattr(nn, name + "Cell")(8, 5)(x[0])
    yield "MultiheadAttention", nn.MultiheadAttention(8, 2)(x, x, x)
    yield "TransformerEncoderLayer", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)(x)
    yield "attention with mask", F.scaled_dot_product_attention(x, x, x, attn_mask=p.zeros(3, 3))
    yield "linear", F.linear(x, p.ones(2, 8), p.ones(2))
    yield "bilinear", F.bilinear(x, x, p.ones(2, 8, 8))
    yield "prelu", F.prelu(x, p.ones(1))
    yield "conv1d", F.conv1d(x, p.ones(3, 3, 2))
    yield "conv2d", F.conv2d(small, p.ones(4, 3, 3, 3), p.ones(4), padding="same")
    yield "conv_transpose2d", F.conv_transpose2d(image, p.ones(3, 4, 3, 3))
    yield "conv_tbc", p.conv_tbc(x, p.ones(2, 8, 4), p.zeros(4))
    yield (
        "convolution",
        p.convolution(small, p.ones(4, 3, 3, 3).bfloat16(), None, [1] * 2, [0] * 2, [1] * 2, False, [0], 1),
    )
    yield "layer_norm", F.layer_norm(h, (8,), p.ones(8), p.zeros(8))
    yield "batch_norm", nn.BatchNorm2d(3)(small)
    yield "group_norm", F.group_norm(small, 3, p.ones(3), p.zeros(3))
    yield "local_response_norm", F.local_response_norm(small, 2)
    for mode in ("constant", "reflect", "replicate", "circular"):
        yield "pad " + mode, F.pad(small, (1, 1, 1, 1), mode=mode)
        yield "pad3 " + mode, F.pad(volume, (1,) * 6, mode=mode)
    yield "max_pool2d", F.max_pool2d(small, 2)
    yield "max_pool3d", F.max_pool3d(volume, 2)
    yield "avg_pool3d", F.avg_pool3d(volume, 2)
    yield "adaptive_avg_pool2d", F.adaptive_avg_pool2d(small, 2)
    yield "adaptive_avg_pool3d", F.adaptive_avg_pool3d(volume, 2)
    yield "adaptive_max_pool3d", F.adaptive_max_pool3d(volume, 2)
    yield "fractional_max_pool2d", F.fractional_max_pool2d(small, 2, 3)
    yield "max_unpool2d", F.max_unpool2d(*F.max_pool2d(small, 2, return_indices=True), 2)
    yield "grid_sample", F.grid_sample(small, p.zeros(2, 4, 4, 2), align_corners=False)
    yield "softmax", F.softmax(h, -1)
    yield "dropout", F.dropout(h)


def products(p, F, x, h):
    square = p.eye(3)
    yield "matmul", x @ h.mT
    yield "matmul of a vector", x @ x[0, 0]
    yield "mm of float64", square.double() @ square.double()
    yield "mm of integers", square.int() @ square.int()
    yield "mm in place", p.zeros(3, 3).addmm_(square, square)
    yield "mm into out=", p.mm(square, square, out=p.zeros(3, 3))
    yield "einsum", p.einsum("abc,acd->abd", x, x.mT)
    yield "tensordot", p.tensordot(x, x, 3)
    yield "inner", p.inner(x, x)
    yield "chain_matmul", p.linalg.multi_dot([x[0], x[0].T, x[0]])
    yield "baddbmm", p.baddbmm(p.zeros(4, 3, 3), x, x.mT)
    yield "addbmm", p.addbmm(p.zeros(3, 3), x, x.mT)
    yield "addmm", p.addmm(square, square, square)
    yield "vecdot", p.linalg.vecdot(x, x)
    for name, args in (("mv", (x[0], x[0, 0])), ("dot", (x[0, 0], x[0, 0])), ("outer", (x[0, 0], x[0, 0]))):
        yield name, getattr(p, name)(*args)
    yield "kron", p.kron(square, square)
    yield "cdist", p.cdist(h, h)


def others(p, F, x, h):
    square = (p.eye(3) * 2).bfloat16()
    names = "prod sum mean std norm trace inverse pinverse cholesky svd qr geqrf var"
    for name in names.split():
        yield name, getattr(p, name)(square)
    for name in "cholesky cholesky_ex cond eig eigh eigvals eigvalsh inv inv_ex matrix_rank qr svdvals norm".split():
        yield "linalg." + name, getattr(p.linalg, name)(square)
    yield "linalg.solve", p.linalg.solve(square, square)
    yield "linalg.lstsq", p.linalg.lstsq(square, square).solution
    yield "cholesky_solve", p.cholesky_solve(square, square)
    yield "quantile", p.quantile(square, 0.5)
    for name in "fft rfft irfft fft2 fftn".split():
        yield "fft." + name, getattr(p.fft, name)(h)
    yield "view_as_complex", p.view_as_complex(h.unflatten(-1, (4, 2)))
    yield "polar", p.polar(h.abs(), h)
    yield "cat", p.cat([h, x])
    yield "cat of bfloat16", p.cat([h, h])
    yield "cat with float64", p.cat([h, x.double()])
    yield "cat with integers", p.cat([h, h.int()])
    yield "stack", p.stack([h, x])
    yield "index_copy", p.index_copy(h, 0, p.tensor([0]), x[:1])
    yield "add", h + x
    yield "where", p.where(h > 0, h, x)


def types_of(result):
    if isinstance(result, (tuple, list)):
        return [t for item in result for t in types_of(item)]
    return [str(result.dtype)] if hasattr(result, "dtype") else []


@pytest.mark.parametrize("family", [losses, networks, products, others])
def test_types_of_results(family):
    found = []
    for p in BOTH:
        x = images(p, 4, 3, 8)
        arguments = (x.bfloat16(),) if family is losses else (x, x.bfloat16())
        with p.autocast("cpu", dtype=p.bfloat16), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append({name: types_of(result) for name, result in family(p, p.nn.functional, *arguments)})
    assert found[0] == found[1]


def train(p, dtype, steps=20, scaler=None):
    p.manual_seed(0)
    model = p.nn.Sequential(
        p.nn.Conv2d(1, 8, 3, padding=1), p.nn.BatchNorm2d(8), p.nn.ReLU(), p.nn.MaxPool2d(2), p.nn.Flatten(),
        p.nn.Linear(8 * 16, 32), p.nn.LayerNorm(32), p.nn.GELU(), p.nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = p.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    x, y = p.randn(32, 1, 8, 8), p.randint(0, 10, (32,))
    seen = []
    for _ in range(steps):
        optimizer.zero_grad()
        with p.autocast("cpu", dtype=dtype(p)):
            out = model(x)
            loss = p.nn.functional.cross_entropy(out, y)
        assert out.dtype == dtype(p) and loss.dtype == p.float32
        if scaler is None:
            loss.backward()
            optimizer.step()
        else:
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        assert all(w.grad.dtype == p.float32 for w in model.parameters())
        seen.append(loss.item())
    return seen


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_training_follows_torch(name):
    ours, theirs = (train(p, lambda p: getattr(p, name)) for p in BOTH)
    assert ours[0] == pytest.approx(theirs[0], rel=3e-3)
    assert ours == pytest.approx(theirs, rel=0.05, abs=0.01)
    assert ours[-1] < 0.5 * ours[0]


def test_training_with_a_scaler_follows_torch():
    scalers = [p.amp.GradScaler("cpu", init_scale=2.0**40, growth_interval=4) for p in BOTH]
    ours, theirs = (train(p, lambda p: p.float16, scaler=s) for p, s in zip(BOTH, scalers))
    assert scalers[0].state_dict() == scalers[1].state_dict()
    assert ours == pytest.approx(theirs, rel=0.05, abs=0.01)


def scaler_story(p):
    """Everything a scaler does to two optimisers over a few iterations, among them gradients that are not finite."""
    a, b = p.ones(2, requires_grad=True), p.ones(1, requires_grad=True)
    first, second = p.optim.SGD([a], lr=0.1), p.optim.SGD([b], lr=0.1)
    scaler = p.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    told = []
    for factor in (1.0, float("inf"), 1.0, 1.0, float("nan"), 2.0):
        first.zero_grad()
        second.zero_grad()
        for loss in scaler.scale([(a * factor).sum(), (b * 3).sum()]):
            loss.backward()
        scaler.unscale_(first)
        told += [a.grad.tolist(), b.grad.tolist()]
        scaler.step(first)
        scaler.step(second)
        scaler.update()
        told += [scaler.get_scale(), a.tolist(), b.tolist(), scaler.state_dict()]
    other = p.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    told += [
        other.state_dict(),
        scaler.update(4.0),
        scaler.get_scale(),
        p.amp.GradScaler("cpu", enabled=False).state_dict(),
    ]
    return repr(told)


def test_scaler():
    assert scaler_story(facula) == scaler_story(torch)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda p: p.autocast("cpu", dtype=p.float32),
        lambda p: p.autocast("nothing"),
        lambda p: p.autocast(3),
        lambda p: p.autocast("cuda"),
        lambda p: p.amp.GradScaler(),
        lambda p: p.amp.GradScaler("cpu", growth_factor=1.0),
        lambda p: p.amp.GradScaler("cpu").update(),
        lambda p: p.amp.GradScaler("cpu").step(p.optim.SGD([p.ones(1)], lr=1.0)),
        lambda p: p.amp.GradScaler("cpu").load_state_dict({}),
        lambda p: p.cuda.amp.autocast(),
        lambda p: p.cpu.amp.autocast(),
        lambda p: p.amp.custom_fwd(len, device_type=3),
        lambda p: p.autocast("cpu")(3),
    ],
)
def test_mistakes_and_warnings(mistake):
    outcomes = []
    for p in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                mistake(p)
                raised = None
            except Exception as e:
                raised = type(e)
        outcomes.append((raised, [w.category for w in caught]))
    assert outcomes[0] == outcomes[1]


def custom(p, cast):
    class Product(p.autograd.Function):
        @staticmethod
        @p.amp.custom_fwd(device_type="cpu", cast_inputs=cast(p))
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a @ b

        @staticmethod
        @p.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            ctx.inner = (g @ b.mT).dtype
            seen.append(str(ctx.inner))
            return g @ b.mT, a.mT @ g

    seen = []
    a = p.ones(2, 2, requires_grad=True)
    with p.autocast("cpu"):
        out = Product.apply(a, a.bfloat16())
    out.sum().backward()
    return [str(out.dtype), str(a.grad.dtype), seen, a.grad.tolist()]


@pytest.mark.parametrize("cast", [lambda p: None, lambda p: p.float32])
def test_custom_functions(cast):
    assert custom(facula, cast) == custom(torch, cast)
