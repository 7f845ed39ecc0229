"""One line per module: how to build it from an `nn` namespace, and the inputs it takes. Data only, no tests."""

from __future__ import annotations


class Sample:
    """``build(nn, torch)`` makes the module; ``inputs`` are shapes, or "index:V:shape" for integers below V."""

    def __init__(self, name, build, *inputs, random=False, signature=True):
        self.name, self.build, self.inputs = name, build, inputs
        self.random = random  # draws random numbers in training
        self.class_name = name.split("-")[0] if signature else None

    def __repr__(self):
        return self.name


_POINTWISE = [
    ("ReLU", {}), ("ReLU6", {}), ("LeakyReLU", {"negative_slope": 0.2}), ("ELU", {"alpha": 0.7}), ("SELU", {}),
    ("CELU", {"alpha": 1.3}), ("GELU", {}), ("SiLU", {}), ("Mish", {}), ("Sigmoid", {}), ("Tanh", {}),
    ("Softplus", {"beta": 2.0, "threshold": 3.0}), ("Softsign", {}), ("Softshrink", {"lambd": 0.3}),
    ("Hardshrink", {"lambd": 0.3}), ("Hardtanh", {"min_val": -0.5, "max_val": 0.75}), ("Hardsigmoid", {}),
    ("Hardswish", {}), ("Tanhshrink", {}), ("LogSigmoid", {}), ("Threshold", {"threshold": 0.1, "value": 3.0}),
    ("PReLU", {}), ("Identity", {}),
]  # fmt: skip
_INPLACE = ["ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "SiLU", "Mish", "Hardtanh", "Hardsigmoid", "Hardswish"]


def _of(name, *args, **kwargs):
    return lambda nn, torch: getattr(nn, name)(*args, **kwargs)


SAMPLES = [
    *[Sample(name, _of(name, **options), (3, 4)) for name, options in _POINTWISE],
    *[Sample(f"{name}-inplace", _of(name, inplace=True), (3, 4)) for name in _INPLACE],
    Sample("GELU-tanh", _of("GELU", "tanh"), (3, 4)),
    Sample("PReLU-channels", _of("PReLU", 4), (2, 4, 3)),
    Sample("GLU", _of("GLU", 1), (3, 4)),
    Sample("RReLU", _of("RReLU", 0.1, 0.4), (5, 7), random=True),
    Sample("RReLU-inplace", _of("RReLU", inplace=True), (5, 7), random=True),
    Sample("Softmax", _of("Softmax", dim=1), (3, 4)),
    Sample("Softmin", _of("Softmin", dim=0), (3, 4)),
    Sample("LogSoftmax", _of("LogSoftmax", dim=-1), (3, 4)),
    Sample("Softmax2d", _of("Softmax2d"), (2, 3, 4, 4)),
    Sample("Linear", _of("Linear", 4, 5), (3, 4)),
    Sample("Linear-no-bias", _of("Linear", 4, 5, bias=False), (2, 3, 4)),
    Sample("Bilinear", _of("Bilinear", 3, 4, 5), (2, 6, 3), (2, 6, 4)),
    Sample("Bilinear-no-bias", _of("Bilinear", 3, 4, 5, bias=False), (6, 3), (6, 4)),
    Sample("Conv1d", _of("Conv1d", 4, 6, 3), (2, 4, 9)),
    Sample("Conv1d-options", _of("Conv1d", 4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False), (2, 4, 9)),
    Sample("Conv1d-unbatched", _of("Conv1d", 4, 6, 3), (4, 9)),
    Sample("Conv1d-same", _of("Conv1d", 2, 3, 4, padding="same"), (2, 2, 9)),
    Sample("Conv1d-reflect", _of("Conv1d", 2, 3, 3, padding=2, padding_mode="reflect"), (2, 2, 9)),
    Sample("Conv2d", _of("Conv2d", 3, 4, 3), (2, 3, 7, 6)),
    Sample("Conv2d-options", _of("Conv2d", 4, 6, (3, 2), stride=(2, 1), padding=(2, 1), groups=2), (2, 4, 7, 6)),
    Sample("Conv2d-dilation", _of("Conv2d", 2, 3, 3, dilation=2), (2, 7, 6)),
    Sample("Conv2d-valid", _of("Conv2d", 2, 3, 3, padding="valid"), (1, 2, 7, 6)),
    Sample("Conv2d-same", _of("Conv2d", 2, 3, (4, 3), padding="same", dilation=(1, 2)), (1, 2, 7, 6)),
    Sample("Conv2d-circular", _of("Conv2d", 2, 3, 3, padding=(1, 2), padding_mode="circular"), (1, 2, 7, 6)),
    Sample("Conv2d-replicate", _of("Conv2d", 2, 3, 4, padding="same", padding_mode="replicate"), (1, 2, 7, 6)),
    Sample("MaxPool1d", _of("MaxPool1d", 3, stride=2, padding=1), (2, 3, 9)),
    Sample("MaxPool1d-indices", _of("MaxPool1d", 2, return_indices=True, ceil_mode=True), (3, 9)),
    Sample("MaxPool2d", _of("MaxPool2d", 2), (2, 3, 6, 7)),
    Sample("MaxPool2d-options", _of("MaxPool2d", (3, 2), stride=(2, 1), padding=1, dilation=(1, 2)), (3, 8, 9)),
    Sample("MaxPool2d-indices", _of("MaxPool2d", 2, return_indices=True), (1, 3, 6, 7)),
    Sample("AvgPool1d", _of("AvgPool1d", 3, stride=2, padding=1), (2, 3, 9)),
    Sample("AvgPool1d-options", _of("AvgPool1d", 2, ceil_mode=True, count_include_pad=False), (3, 9)),
    Sample("AvgPool2d", _of("AvgPool2d", 2), (2, 3, 6, 7)),
    Sample("AvgPool2d-options", _of("AvgPool2d", (3, 2), padding=1, divisor_override=5), (3, 6, 7)),
    Sample("AdaptiveAvgPool1d", _of("AdaptiveAvgPool1d", 4), (2, 3, 9)),
    Sample("AdaptiveAvgPool2d", _of("AdaptiveAvgPool2d", (1, 1)), (2, 3, 6, 7)),
    Sample("AdaptiveAvgPool2d-uneven", _of("AdaptiveAvgPool2d", (4, None)), (2, 3, 6, 7)),
    Sample("AdaptiveAvgPool2d-even", _of("AdaptiveAvgPool2d", 3), (3, 6, 9)),
    Sample("Flatten", _of("Flatten"), (2, 3, 4)),
    Sample("Unflatten", _of("Unflatten", 1, (3, 4)), (2, 12)),
    Sample("Dropout", _of("Dropout", 0.3), (6, 40), random=True),
    Sample("Dropout-inplace", _of("Dropout", 0.3, inplace=True), (6, 40), random=True),
    Sample("Dropout1d", _of("Dropout1d", 0.4), (3, 8, 4), random=True),
    Sample("Dropout2d", _of("Dropout2d", 0.4), (3, 8, 2, 2), random=True),
    Sample("AlphaDropout", _of("AlphaDropout", 0.4), (6, 40), random=True),
    Sample("FeatureAlphaDropout", _of("FeatureAlphaDropout", 0.4), (3, 8, 4), random=True),
    Sample("LayerNorm", _of("LayerNorm", (3, 4)), (2, 3, 4)),
    Sample("LayerNorm-plain", _of("LayerNorm", 4, eps=0.1, elementwise_affine=False), (2, 3, 4)),
    Sample("LayerNorm-no-bias", _of("LayerNorm", 4, bias=False), (2, 3, 4)),
    Sample("RMSNorm", _of("RMSNorm", 4), (2, 3, 4)),
    Sample("GroupNorm", _of("GroupNorm", 2, 4), (3, 4, 5)),
    Sample("BatchNorm1d", _of("BatchNorm1d", 4), (6, 4)),
    Sample("BatchNorm1d-average", _of("BatchNorm1d", 4, momentum=None), (3, 4, 5)),
    Sample("BatchNorm1d-plain", _of("BatchNorm1d", 4, affine=False, track_running_stats=False), (6, 4)),
    Sample("BatchNorm2d", _of("BatchNorm2d", 3, momentum=0.3), (2, 3, 4, 5)),
    Sample("BatchNorm2d-no-bias", _of("BatchNorm2d", 3, bias=False), (2, 3, 4, 5)),
    Sample("Embedding", _of("Embedding", 10, 3), "index:10:2,5"),
    Sample("Embedding-padding", _of("Embedding", 10, 3, padding_idx=-2, scale_grad_by_freq=True), "index:10:2,15"),
    Sample("Embedding-renorm", _of("Embedding", 10, 3, max_norm=0.8), "index:10:15"),
    Sample("ConstantPad1d", _of("ConstantPad1d", (1, 2), 3.5), (2, 3, 4)),
    Sample("ConstantPad2d", _of("ConstantPad2d", (1, -1, -2, 3), 0.5), (2, 3, 4, 4)),
    Sample("ZeroPad2d", _of("ZeroPad2d", 1), (2, 3, 4)),
    Sample("ReflectionPad1d", _of("ReflectionPad1d", (3, 2)), (2, 3, 4)),
    Sample("ReflectionPad2d", _of("ReflectionPad2d", (1, 2, 3, 0)), (2, 3, 4, 4)),
    Sample("ReplicationPad2d", _of("ReplicationPad2d", (5, 2, 3, 6)), (2, 3, 4, 4)),
    Sample("ReplicationPad3d", _of("ReplicationPad3d", 2), (1, 2, 3, 3, 3)),
    Sample("CircularPad1d", _of("CircularPad1d", (4, 2)), (2, 3, 4)),
    Sample("CircularPad2d", _of("CircularPad2d", 2), (3, 4, 4)),
    *[
        sample
        for n in (1, 2, 3)
        for sample in (
            Sample(f"ConvTranspose{n}d", _of(f"ConvTranspose{n}d", 4, 6, 3, stride=2, groups=2), (2, 4, *[4] * n)),
            Sample(
                f"ConvTranspose{n}d-options",
                _of(f"ConvTranspose{n}d", 2, 3, 3, 2, padding=1, output_padding=1, dilation=2, bias=False),
                (2, *[4] * n),
            ),
            Sample(f"InstanceNorm{n}d", _of(f"InstanceNorm{n}d", 3), (2, 3, *[4] * n)),
        )
    ],
    Sample("Conv3d", _of("Conv3d", 4, 6, 3, padding="same", groups=2), (2, 4, 4, 5, 4)),
    Sample("BatchNorm3d", _of("BatchNorm3d", 3), (2, 3, 4, 2, 3)),
    Sample("InstanceNorm2d-affine", _of("InstanceNorm2d", 3, affine=True, track_running_stats=True), (2, 3, 4, 5)),
    Sample("LocalResponseNorm", _of("LocalResponseNorm", 3, alpha=0.5, k=2.0), (2, 5, 4)),
    Sample("RNN", _of("RNN", 3, 4, num_layers=2), (5, 2, 3)),
    Sample("LSTM", _of("LSTM", 3, 4, batch_first=True, bidirectional=True), (2, 5, 3)),
    Sample("LSTM-projected", _of("LSTM", 3, 4, num_layers=2, proj_size=2), (5, 3)),
    Sample("GRU", _of("GRU", 3, 4, bias=False), (5, 2, 3)),
    *[
        Sample(f"{name}-{i}", _of(name, *args), shape, signature=False)
        for name, shape, *calls in (
            ("MaxPool3d", (2, 3, 5, 6, 4), (2,), (3, 2, 1, 1, True)),
            ("AvgPool3d", (2, 3, 5, 6, 4), (2,), (3, 2, 1, True, False)),
            ("AdaptiveAvgPool3d", (2, 3, 5, 6, 4), (2,), ((3, None, 1),)),
            ("AdaptiveMaxPool1d", (2, 3, 7), (4,)),
            ("AdaptiveMaxPool2d", (3, 5, 6), (3, True)),
            ("AdaptiveMaxPool3d", (2, 3, 5, 6, 4), ((2, None, 3),)),
            ("LPPool2d", (2, 3, 5, 6), (2.0, 2)),
            ("LocalResponseNorm", (2, 5, 4, 3), (2,)),
            ("Upsample", (2, 3, 5, 4), (None, 2), ((7, 3), None, "bicubic"), (None, 1.6, "bilinear", True)),
            ("PixelShuffle", (2, 8, 3, 2), (2,)),
            ("PixelUnshuffle", (2, 3, 4, 6), (2,)),
            ("ChannelShuffle", (2, 6, 4), (3,)),
            ("Unfold", (2, 3, 5, 4), ((2, 3), 1, 1, 2)),
            ("Fold", (2, 12, 12), ((4, 5), 2)),
            ("Dropout3d", (2, 3, 2, 2, 2), (0.0,)),
        )
        for i, args in enumerate(calls)
    ],
    Sample("PairwiseDistance", _of("PairwiseDistance", p=3.0), (4, 3), (4, 3)),
    Sample("CosineSimilarity", _of("CosineSimilarity", dim=0), (4, 3), (4, 3)),
    Sample("EmbeddingBag", _of("EmbeddingBag", 10, 3, padding_idx=2), "index:10:2,5"),
    Sample("EmbeddingBag-max", _of("EmbeddingBag", 10, 3, mode="max"), "index:10:2,5"),
    Sample("MultiheadAttention", _of("MultiheadAttention", 6, 2), (4, 2, 6), (5, 2, 6), (5, 2, 6)),
    Sample(
        "MultiheadAttention-options",
        _of("MultiheadAttention", 6, 3, add_bias_kv=True, add_zero_attn=True, kdim=4, vdim=5, batch_first=True),
        (2, 4, 6),
        (2, 3, 4),
        (2, 3, 5),
    ),
    Sample("TransformerEncoderLayer", _of("TransformerEncoderLayer", 6, 2, 8, 0.0), (4, 2, 6), signature=False),
    Sample("RNNCell", _of("RNNCell", 3, 4), (2, 3)),
    Sample("LSTMCell", _of("LSTMCell", 3, 4), (2, 3)),
    Sample("GRUCell", _of("GRUCell", 3, 4, bias=False), (3,)),
    Sample(
        "Sequential",
        lambda nn, torch: nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.LayerNorm(6), nn.Linear(6, 2)),
        (3, 4),
        signature=False,
    ),
]

_SAME = ((3, 4), (3, 4))
LOSSES = [
    *[
        (name, options, kind)
        for reduction in ("none", "mean", "sum")
        for name, options, kind in [
            ("L1Loss", {"reduction": reduction}, "real"),
            ("MSELoss", {"reduction": reduction}, "real"),
            ("SmoothL1Loss", {"reduction": reduction, "beta": 0.5}, "real"),
            ("HuberLoss", {"reduction": reduction, "delta": 0.5}, "real"),
            ("BCELoss", {"reduction": reduction}, "probability"),
            ("BCEWithLogitsLoss", {"reduction": reduction}, "logit"),
            ("KLDivLoss", {"reduction": reduction if reduction != "mean" else "batchmean"}, "log"),
            ("NLLLoss", {"reduction": reduction, "ignore_index": 1}, "class"),
            ("CrossEntropyLoss", {"reduction": reduction, "label_smoothing": 0.1}, "class"),
            ("CrossEntropyLoss", {"reduction": reduction, "label_smoothing": 0.1}, "distribution"),
        ]
    ],
    ("SmoothL1Loss", {"beta": 0.0}, "real"),
    ("KLDivLoss", {"reduction": "sum", "log_target": True}, "log"),
]
