"""Samples of the neural-network entries: normalisation, recurrent layers, convolution, attention, pooling."""

from __future__ import annotations

from sample import F, N, Sample

NN = [
    Sample("nn.functional.layer_norm", F(N, 3, 4), (3, 4), F(3, 4), F(3, 4), entries="_layer_norm", id="layer_norm_nd"),
    Sample("nn.functional.rms_norm", F(N, 4), (4,), F(4), entries="_rms_norm"),
    Sample("nn.functional.group_norm", F(N, 4, 3), 2, F(4), F(4), entries="_group_norm"),
    Sample("nn.functional.batch_norm", F(N, 4, 2), None, None, F(4), F(4), training=True, entries="_batch_norm"),
    Sample(
        "nn.functional.batch_norm", F(N, 4), F(4, grad=False), F(4, low=0.5, grad=False), F(4), entries=(),
        id="batch_norm_eval",
    ),
    Sample(
        "nn.functional.conv_transpose2d", F(2, 4, 3, 4), F(4, 3, 3, 2), F(3), stride=2, padding=1,
        entries="_conv_transpose2d",
    ),
    Sample("nn.functional.conv3d", F(1, 2, 3, 4, 3), F(3, 2, 2, 2, 2), F(3), stride=2, padding=1, entries=()),
    Sample(
        "nn.functional.scaled_dot_product_attention", F(2, 2, 3, 4), F(2, 2, 5, 4), F(2, 2, 5, 3),
        entries="_attention", second=False, id="attention",
    ),
    Sample(
        "nn.functional.scaled_dot_product_attention", F(1, 2, 5, 4), F(1, 2, 5, 4), F(1, 2, 5, 4), is_causal=True,
        entries=(), second=False, id="attention_causal",
    ),
    Sample(
        "gru", F(4, 2, 3), F(1, 2, 5), [F(15, 3), F(15, 5), F(15), F(15)], True, 1, 0.0, False, False, False,
        entries="_recurrent", second=False,
    ),
    Sample(
        "lstm", F(4, 2, 3), (F(1, 2, 5), F(1, 2, 5)), [F(20, 3), F(20, 5), F(20), F(20)], True, 1, 0.0, False, False,
        False, entries=(), second=False,
    ),
]  # fmt: skip
