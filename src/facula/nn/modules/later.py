"""The files of nn.modules that are imported when one of their names is first used. A table only."""

from __future__ import annotations

FILES = {
    "adaptive": "AdaptiveLogSoftmaxWithLoss",
    "attention": "MultiheadAttention",
    "channelshuffle": "ChannelShuffle",
    "distance": "CosineSimilarity PairwiseDistance",
    "fold": "Fold Unfold",
    "margin_loss": "CTCLoss CosineEmbeddingLoss GaussianNLLLoss HingeEmbeddingLoss LinearCrossEntropyLoss "
    "LinearCrossEntropyOptions MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss "
    "NLLLoss2d PoissonNLLLoss SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss",
    "other_pooling": "AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AvgPool3d "
    "FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "transformer": "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer",
    "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "lazy": "LazyModuleMixin LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d "
    "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d "
    "LazyInstanceNorm3d LazyLinear",
    "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
}

FILE_OF = {name: file for file, names in FILES.items() for name in names.split()}


def find(package: str, name: str):
    """The class of that name, or the file itself (``nn.modules.rnn``); AttributeError when there is neither."""
    from importlib import import_module

    if name in FILES:
        return import_module(f"facula.nn.modules.{name}")
    if name in FILE_OF:
        return getattr(import_module(f"facula.nn.modules.{FILE_OF[name]}"), name)
    raise AttributeError(f"module '{package}' has no attribute '{name}'")
