"""What is logged as the tensorboard package's protocol buffers: numbers, histograms, pictures, sound, text, curves."""

from __future__ import annotations

import io
import json

import numpy as np
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

from facula import Tensor, bfloat16, float32

__all__ = [
    "audio", "custom_scalars", "histogram", "histogram_raw", "hparams", "image", "image_boxes", "make_np", "mesh",
    "pr_curve", "pr_curve_raw", "scalar", "tensor_proto", "text", "video",
]  # fmt: skip

MOST_THRESHOLDS = 127  # that the plugin draws


def make_np(x) -> np.ndarray:
    """A tensor, array or number as an array."""
    if isinstance(x, np.ndarray):
        return x
    if np.isscalar(x):
        return np.array([x])
    if isinstance(x, Tensor):
        return (x.to(float32) if x.dtype is bfloat16 else x).detach().numpy()
    raise NotImplementedError(f"Got {type(x)}, but numpy array or torch tensor are expected.")


def _one(tag: str, plugin: str | None = None, content: bytes = b"", **value) -> Summary:
    if plugin is not None:
        data = SummaryMetadata.PluginData(plugin_name=plugin, content=content)
        value["metadata"] = SummaryMetadata(plugin_data=data)
    return Summary(value=[Summary.Value(tag=tag, **value)])


def _floats(values: np.ndarray) -> TensorProto:
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in values.shape])
    return TensorProto(dtype="DT_FLOAT", float_val=values.reshape(-1).tolist(), tensor_shape=shape)


def scalar(tag: str, value, new_style: bool = False, double_precision: bool = False) -> Summary:
    """One number."""
    array = make_np(value).squeeze()
    if array.ndim != 0:
        raise AssertionError(
            f"Tensor should contain one element (0 dimensions). Was given size: {array.size} and {array.ndim} "
            "dimensions."
        )
    number = float(array)
    if not new_style:
        return _one(tag, simple_value=number)
    if double_precision:
        return _one(tag, "scalars", tensor=TensorProto(double_val=[number], dtype="DT_DOUBLE"))
    return _one(tag, "scalars", tensor=TensorProto(float_val=[number], dtype="DT_FLOAT"))


_TENSOR_FIELDS = {
    "float32": ("DT_FLOAT", "float_val"),
    "float64": ("DT_DOUBLE", "double_val"),
    "int8": ("DT_INT8", "int_val"),
    "uint8": ("DT_UINT8", "int_val"),
    "int16": ("DT_INT16", "int_val"),
    "int32": ("DT_INT32", "int_val"),
    "int64": ("DT_INT64", "int64_val"),
    "bool": ("DT_BOOL", "bool_val"),
}


def tensor_proto(tag: str, tensor: Tensor) -> Summary:
    """A whole tensor."""
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in _TENSOR_FIELDS:
        raise ValueError(f"{tag} has unsupported tensor dtype {tensor.dtype}")
    if tensor.numel() * tensor.itemsize >= 1 << 31:
        raise ValueError("tensor is bigger than protocol buffer's hard limit of 2GB in size")
    dtype, field = _TENSOR_FIELDS[name]
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in tensor.shape])
    return _one(
        tag, "tensor", tensor=TensorProto(dtype=dtype, tensor_shape=shape, **{field: tensor.flatten().tolist()})
    )


def histogram_raw(tag: str, min, max, num, sum, sum_squares, bucket_limits, bucket_counts) -> Summary:
    """A histogram that is counted already."""
    moments = {"min": min, "max": max, "num": num, "sum": sum, "sum_squares": sum_squares}
    return _one(tag, histo=HistogramProto(bucket_limit=bucket_limits, bucket=bucket_counts, **moments))


def histogram(tag: str, values, bins, max_bins: int | None = None) -> Summary:
    """Counts of values; empty bins at both ends are left out."""
    values = make_np(values).astype(float).reshape(-1)
    if values.size == 0:
        raise ValueError("The input has no element.")
    counts, limits = np.histogram(values, bins=bins)
    if max_bins is not None and len(counts) > max_bins:
        width = len(counts) // max_bins
        counts = np.pad(counts, (0, -len(counts) % width)).reshape(-1, width).sum(axis=-1)
        limits = np.append(limits[:-1:width], limits[-1])
    filled = np.nonzero(counts)[0]
    first, last = int(filled[0]), int(filled[-1])
    # A bucket reaches from the limit before it to its own: an empty one in front says where the first begins.
    counts = np.concatenate([[0], counts[first : last + 1]])
    return histogram_raw(
        tag, values.min(), values.max(), len(values), values.sum(), values.dot(values),
        limits[first : last + 2].tolist(), counts.tolist(),
    )  # fmt: skip


# ---- pictures ----


def _bytes_of_pixels(values: np.ndarray) -> np.ndarray:
    """Floats of [0, 1], or bytes, as bytes."""
    scale = 1 if values.dtype == np.uint8 else 255
    return (values.astype(np.float32) * scale).clip(0, 255).astype(np.uint8)


def grid(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """(N, C, H, W) as one picture (3, rows * H, columns * W)."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise AssertionError("Input should be a 4D numpy array with 3 channels")
    count, _, height, width = images.shape
    columns = min(count, columns)
    rows = -(-count // columns)
    canvas = np.zeros((3, height * rows, width * columns), dtype=images.dtype)
    for i in range(count):
        y, x = i // columns * height, i % columns * width
        canvas[:, y : y + height, x : x + width] = images[i]
    return canvas


def to_hwc(array: np.ndarray, dataformats: str) -> np.ndarray:
    """A picture, or a grid of several, with its channels last; a single channel becomes three."""
    form = dataformats.upper()
    if len(set(form)) != len(form):
        raise AssertionError(f"You can not use the same dimension shorthand twice. input_format: {dataformats}")
    if array.ndim != len(form):
        raise AssertionError(
            f"size of input tensor and input format are different. tensor shape: {array.shape}, input_format: "
            f"{dataformats}"
        )
    if len(form) == 4:
        return grid(array.transpose([form.find(c) for c in "NCHW"])).transpose(1, 2, 0)
    if len(form) == 2:
        array, form = array[..., None], form + "C"
    array = array.transpose([form.find(c) for c in "HWC"])
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array


def _picture(pixels: np.ndarray, rescale: float = 1, boxes=None, labels=None) -> Summary.Image:
    from PIL import Image

    height, width, channels = pixels.shape
    picture = Image.fromarray(pixels)
    for i, box in enumerate(() if boxes is None else boxes):
        _draw_box(picture, [float(v) for v in box], None if labels is None else labels[i])
    picture = picture.resize((int(width * rescale), int(height * rescale)), Image.Resampling.LANCZOS)
    output = io.BytesIO()
    picture.save(output, format="PNG")
    return Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=output.getvalue())


def _draw_box(picture, box: list[float], label: str | None) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    draw.rectangle(box, outline="red", width=2)
    if label:
        draw.text((box[0] + 2, box[3] - 12), label, fill="black")


def image(tag: str, tensor, rescale: float = 1, dataformats: str = "NCHW") -> Summary:
    """A picture, or several in a grid."""
    return _one(tag, image=_picture(_bytes_of_pixels(to_hwc(make_np(tensor), dataformats)), rescale))


def image_boxes(tag: str, tensor, boxes, rescale: float = 1, dataformats: str = "CHW", labels=None) -> Summary:
    """A picture with rectangles (left, top, right, bottom) on it."""
    pixels = _bytes_of_pixels(to_hwc(make_np(tensor), dataformats))
    return _one(tag, image=_picture(pixels, rescale, make_np(boxes), labels))


def video(tag: str, tensor, fps: float = 4) -> Summary:
    """(N, T, C, H, W) as an animated GIF, the N side by side."""
    from PIL import Image

    moments = make_np(tensor).swapaxes(0, 1)
    frames = [grid(images, max(1, round(len(images) ** 0.5))).transpose(1, 2, 0) for images in moments]
    pictures = [Image.fromarray(_bytes_of_pixels(frame)) for frame in frames]
    output = io.BytesIO()
    pictures[0].save(output, format="GIF", save_all=True, append_images=pictures[1:], duration=1000 / fps, loop=0)
    height, width, channels = frames[0].shape
    picture = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=output.getvalue())
    return _one(tag, image=picture)


def figure_to_array(figure, close: bool = True) -> np.ndarray:
    """A matplotlib figure as (3, H, W)."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3].transpose(2, 0, 1).copy()
    if close:
        plt.close(figure)
    return pixels


# ---- sound and text ----


def audio(tag: str, tensor, sample_rate: int = 44100) -> Summary:
    """One channel of samples in [-1, 1] as a WAV file of 16 bits."""
    import wave

    samples = make_np(tensor).squeeze()
    if samples.ndim != 1:
        raise AssertionError("input tensor should be 1 dimensional.")
    output = io.BytesIO()
    with wave.open(output, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((samples.clip(-1, 1) * np.iinfo(np.int16).max).astype("<i2").tobytes())
    sound = Summary.Audio(
        sample_rate=sample_rate,
        num_channels=1,
        length_frames=len(samples),
        encoded_audio_string=output.getvalue(),
        content_type="audio/wav",
    )
    return _one(tag, audio=sound)


def _strings(*values: bytes, shape: tuple = ()) -> TensorProto:
    dims = TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in shape])
    return TensorProto(dtype="DT_STRING", string_val=values, tensor_shape=dims)


def text(tag: str, words: str) -> Summary:
    """Text, shown as Markdown."""
    from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData

    content = TextPluginData(version=0).SerializeToString()
    return _one(tag + "/text_summary", "text", content, tensor=_strings(words.encode(), shape=(1,)))


# ---- curves, meshes, hyperparameters, layouts ----


def pr_curve_raw(tag: str, tp, fp, tn, fn, precision, recall, num_thresholds: int = MOST_THRESHOLDS) -> Summary:
    """A precision-recall curve that is counted already."""
    from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData

    content = PrCurvePluginData(version=0, num_thresholds=min(num_thresholds, MOST_THRESHOLDS)).SerializeToString()
    rows = np.stack([make_np(row) for row in (tp, fp, tn, fn, precision, recall)])
    return _one(tag, "pr_curves", content, tensor=_floats(rows))


def pr_curve(tag: str, labels, predictions, num_thresholds: int = MOST_THRESHOLDS, weights=None) -> Summary:
    """A precision-recall curve over evenly spaced thresholds."""
    count = min(num_thresholds, MOST_THRESHOLDS)
    labels, predictions = make_np(labels).astype(np.float64), make_np(predictions)
    weight = 1.0 if weights is None else weights
    bucket = np.floor(predictions * (count - 1)).astype(np.int32)

    def at_least(of):
        return np.cumsum(np.histogram(bucket, bins=count, range=(0, count - 1), weights=of)[0][::-1])[::-1]

    tp, fp = at_least(labels * weight), at_least((1.0 - labels) * weight)
    tn, fn = fp[0] - fp, tp[0] - tp
    few = 1e-7  # instead of a division by zero, as in PyTorch
    return pr_curve_raw(tag, tp, fp, tn, fn, tp / np.maximum(few, tp + fp), tp / np.maximum(few, tp + fn), count)


def mesh(tag: str, vertices, colors, faces, config_dict) -> Summary:
    """A cloud of points, or a mesh when faces are given."""
    from tensorboard.plugins.mesh import metadata
    from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

    config = "{}" if config_dict is None else json.dumps(config_dict, sort_keys=True)
    kinds = (vertices, MeshPluginData.VERTEX), (faces, MeshPluginData.FACE), (colors, MeshPluginData.COLOR)
    given = [(make_np(values), kind) for values, kind in kinds if values is not None]
    components = metadata.get_components_bitmask([kind for _, kind in given])
    return Summary(
        value=[
            Summary.Value(
                tag=metadata.get_instance_name(tag, kind),
                tensor=_floats(values),
                metadata=metadata.create_summary_metadata(
                    tag, None, kind, components, list(values.shape), None, json_config=config
                ),
            )
            for values, kind in given
        ]
    )


def custom_scalars(layout: dict) -> Summary:
    """Which numbers are drawn together: {category: {title: ["Multiline" or "Margin", tags]}}."""
    from tensorboard.plugins.custom_scalar import layout_pb2

    categories = []
    for category, charts in layout.items():
        drawn = []
        for title, (kind, tags, *_) in charts.items():
            if kind != "Margin":
                drawn.append(layout_pb2.Chart(title=title, multiline=layout_pb2.MultilineChartContent(tag=tags)))
                continue
            if len(tags) != 3:
                raise AssertionError("len(tags) != 3")
            series = layout_pb2.MarginChartContent.Series(value=tags[0], lower=tags[1], upper=tags[2])
            drawn.append(layout_pb2.Chart(title=title, margin=layout_pb2.MarginChartContent(series=[series])))
        categories.append(layout_pb2.Category(title=category, chart=drawn))
    content = layout_pb2.Layout(category=categories).SerializeToString()
    return _one("custom_scalars__config__", "custom_scalars", tensor=_strings(content))


def _hyperparameter(value) -> tuple[str, str, object]:
    """Field, data type and plain value of a hyperparameter."""
    if isinstance(value, Tensor):
        value = make_np(value).reshape(-1)[0].item()
    if isinstance(value, bool):
        return "bool_value", "DATA_TYPE_BOOL", value
    if isinstance(value, (int, float)):
        return "number_value", "DATA_TYPE_FLOAT64", value
    if isinstance(value, str):
        return "string_value", "DATA_TYPE_STRING", value
    raise ValueError("value should be one of int, float, str, bool, or torch.Tensor")


def hparams(hparam_dict: dict, metric_dict: dict, hparam_domain_discrete: dict | None = None) -> tuple:
    """The experiment, the start and the end of a session."""
    from google.protobuf import struct_pb2
    from tensorboard.plugins.hparams import api_pb2, metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

    domains = hparam_domain_discrete or {}
    for name, domain in domains.items():
        known = name in hparam_dict and isinstance(domain, list)
        if not known or not all(isinstance(d, type(hparam_dict[name])) for d in domain):
            raise TypeError(
                f"parameter: hparam_domain_discrete[{name}] should be a list of same type as hparam_dict[{name}]."
            )
    start, infos = SessionStartInfo(), []
    for name, value in hparam_dict.items():
        if value is None:
            continue
        field, kind, plain = _hyperparameter(value)
        setattr(start.hparams[name], field, plain)
        choices = None
        if name in domains:
            choices = struct_pb2.ListValue(values=[struct_pb2.Value(**{field: d}) for d in domains[name]])
        infos.append(api_pb2.HParamInfo(name=name, type=api_pb2.DataType.Value(kind), domain_discrete=choices))
    metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag)) for tag in metric_dict]
    experiment = api_pb2.Experiment(hparam_infos=infos, metric_infos=metrics)
    end = SessionEndInfo(status=api_pb2.Status.Value("STATUS_SUCCESS"))

    def told(tag: str, **content) -> Summary:
        data = HParamsPluginData(version=metadata.PLUGIN_DATA_VERSION, **content).SerializeToString()
        return _one(tag, metadata.PLUGIN_NAME, data)

    return (
        told(metadata.EXPERIMENT_TAG, experiment=experiment),
        told(metadata.SESSION_START_INFO_TAG, session_start_info=start),
        told(metadata.SESSION_END_INFO_TAG, session_end_info=end),
    )
