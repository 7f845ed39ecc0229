"""SummaryWriter: one method for each kind of thing to log. The events are written by the tensorboard package."""

from __future__ import annotations

import math
import os
import time
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from . import summary
from .summary import make_np

__all__ = ["FileWriter", "SummaryWriter"]


class FileWriter:
    """Appends events to a file of their own in a directory.

    Args:
        log_dir (str): made when it is missing.
        max_queue (int): events that may wait. Default: 10.
        flush_secs (float): how long they may. Default: 120.
        filename_suffix (str): Default: none.
    """

    def __init__(self, log_dir, max_queue: int = 10, flush_secs: float = 120, filename_suffix: str = "") -> None:
        self.event_writer = EventFileWriter(str(log_dir), max_queue, flush_secs, filename_suffix)

    def get_logdir(self) -> str:
        """The directory."""
        return self.event_writer.get_logdir()

    def add_event(self, event, step=None, walltime=None) -> None:
        """Append an event, at a step and a time. Default: now."""
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        self.event_writer.add_event(event)

    def add_summary(self, summary, global_step=None, walltime=None) -> None:
        """Append a summary."""
        self.add_event(Event(summary=summary), global_step, walltime)

    def flush(self) -> None:
        """Write what waits."""
        self.event_writer.flush()

    def close(self) -> None:
        """Write what waits and close the file."""
        self.event_writer.close()

    def reopen(self) -> None:
        """Go on in a new file."""
        self.event_writer.reopen()


def _default_bins() -> list[float]:
    """Limits that grow by a tenth from 1e-12 to 1e20, on both sides of 0: TensorFlow's."""
    limits, v = [], 1e-12
    while v < 1e20:
        limits.append(v)
        v *= 1.1
    return [*(-v for v in reversed(limits)), 0, *limits]


class SummaryWriter:
    """Logs values, pictures and more for TensorBoard.

    Args:
        log_dir (str): Default: runs/<date>_<host><comment>.
        comment (str): appended to the default directory.
        purge_step (int): events from this step on, of a run that crashed, are hidden. Optional.
        max_queue (int): events that may wait to be written. Default: 10.
        flush_secs (float): how long they may. Default: 120.
        filename_suffix (str): of the event files.
    """

    def __init__(
        self,
        log_dir=None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            import socket
            from datetime import datetime

            log_dir = os.path.join("runs", f"{datetime.now():%b%d_%H-%M-%S}_{socket.gethostname()}{comment}")
        self.log_dir = log_dir
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self.file_writer: FileWriter | None = None
        self.all_writers: dict[str, FileWriter] | None = None
        self._projector_config: Any = None
        self._get_file_writer()
        self.default_bins = _default_bins()

    def _new_writer(self, log_dir) -> FileWriter:
        return FileWriter(log_dir, self.max_queue, self.flush_secs, self.filename_suffix)

    def _get_file_writer(self) -> FileWriter:
        if self.file_writer is None or self.all_writers is None:
            self.file_writer = self._new_writer(self.log_dir)
            self.all_writers = {self.file_writer.get_logdir(): self.file_writer}
            if self.purge_step is not None:
                self.file_writer.add_event(Event(step=self.purge_step, file_version="brain.Event:2"))
                log = SessionLog(status=SessionLog.START)
                self.file_writer.add_event(Event(step=self.purge_step, session_log=log))
                self.purge_step = None
        return self.file_writer

    def _add(self, entry, global_step=None, walltime=None) -> None:
        self._get_file_writer().add_summary(entry, global_step, walltime)

    def get_logdir(self) -> str:
        """Where the event files are."""
        return self.log_dir

    def add_hparams(
        self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None, global_step=None
    ) -> None:
        """Hyperparameters of a run and the metrics it reached, in a directory of their own.

        Raises:
            TypeError: no dictionaries, or a domain that does not fit.
        """
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        entries = summary.hparams(hparam_dict, metric_dict, hparam_domain_discrete)
        folder = os.path.join(self._get_file_writer().get_logdir(), run_name or str(time.time()))
        with SummaryWriter(log_dir=folder) as inner:
            for entry in entries:
                inner._add(entry, global_step)
            for tag, value in metric_dict.items():
                inner.add_scalar(tag, value, global_step)

    def add_scalar(
        self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False
    ) -> None:
        """One number."""
        self._add(summary.scalar(tag, scalar_value, new_style, double_precision), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None) -> None:
        """Several numbers in one plot, each in an event file of its own."""
        walltime = time.time() if walltime is None else walltime
        folder = self._get_file_writer().get_logdir()
        for tag, value in tag_scalar_dict.items():
            path = folder + "/" + main_tag.replace("/", "_") + "_" + tag
            writers = self.all_writers or {}  # _get_file_writer has made them
            if path not in writers:
                writers[path] = self._new_writer(path)
            writers[path].add_summary(summary.scalar(main_tag, value), global_step, walltime)

    def add_tensor(self, tag, tensor, global_step=None, walltime=None) -> None:
        """A whole tensor."""
        self._add(summary.tensor_proto(tag, tensor), global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None) -> None:
        """How values are distributed.

        Args:
            bins (str, int or sequence): as of ``numpy.histogram``. Default: growing by a tenth.
            max_bins (int): bins are joined to at most so many. Optional.
        """
        bins = self.default_bins if isinstance(bins, str) and bins == "tensorflow" else bins
        self._add(summary.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_histogram_raw(
        self, tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts, global_step=None, walltime=None
    ) -> None:
        """A histogram that is counted already.

        Raises:
            ValueError: not as many limits as counts.
        """
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        entry = summary.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts)
        self._add(entry, global_step, walltime)

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW") -> None:
        """A picture: bytes, or floats in [0, 1]. Needs Pillow."""
        self._add(summary.image(tag, img_tensor, dataformats=dataformats), global_step, walltime)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW") -> None:
        """Several pictures in a grid."""
        self._add(summary.image(tag, img_tensor, dataformats=dataformats), global_step, walltime)

    def add_image_with_boxes(
        self, tag, img_tensor, box_tensor, global_step=None, walltime=None, rescale=1, dataformats="CHW", labels=None
    ) -> None:
        """A picture with rectangles (left, top, right, bottom), and a label for each."""
        labels = [labels] if isinstance(labels, str) else labels
        if labels is not None and len(labels) != box_tensor.shape[0]:
            labels = None
        entry = summary.image_boxes(tag, img_tensor, box_tensor, rescale, dataformats, labels)
        self._add(entry, global_step, walltime)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None) -> None:
        """A matplotlib figure, or a list of them."""
        if isinstance(figure, list):
            pictures = np.stack([summary.figure_to_array(f, close) for f in figure])
            self.add_image(tag, pictures, global_step, walltime, dataformats="NCHW")
        else:
            self.add_image(tag, summary.figure_to_array(figure, close), global_step, walltime)

    def add_video(self, tag, vid_tensor, global_step=None, fps=4, walltime=None) -> None:
        """(N, T, C, H, W) as an animation. Needs Pillow."""
        self._add(summary.video(tag, vid_tensor, fps), global_step, walltime)

    def add_audio(self, tag, snd_tensor, global_step=None, sample_rate=44100, walltime=None) -> None:
        """Samples of sound in [-1, 1]."""
        self._add(summary.audio(tag, snd_tensor, sample_rate), global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None) -> None:
        """Text, shown as Markdown."""
        self._add(summary.text(tag, text_string), global_step, walltime)

    def add_onnx_graph(self, prototxt) -> None:
        """Not offered.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("add_onnx_graph: facula reads no ONNX files")

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True) -> None:
        """Not offered: PyTorch draws the graph of a TorchScript trace, which facula does not make.

        Raises:
            NotImplementedError: always; the model's text can be logged instead.
        """
        raise NotImplementedError(
            "add_graph draws a TorchScript trace, and facula has no TorchScript; "
            "add_text('model', f'```\\n{model}\\n```') shows the modules instead"
        )

    def add_embedding(
        self, mat, metadata=None, label_img=None, global_step=None, tag="default", metadata_header=None
    ) -> None:
        """Points for the projector.

        Args:
            mat (Tensor): (N, D).
            metadata (list): a label, or a row of them, for each point. Optional.
            label_img (Tensor): (N, C, H, W), a picture for each point. Optional.
            metadata_header (list): names of the columns of ``metadata``. Optional.
        """
        mat = make_np(mat)
        if mat.ndim != 2:
            raise AssertionError("mat should be 2D, where mat.size(0) is the number of data points")
        step = str(0 if global_step is None else global_step).zfill(5)
        root = self._get_file_writer().get_logdir()
        folder = f"{step}/{_encoded(tag)}"
        os.makedirs(os.path.join(root, folder), exist_ok=True)
        _write_rows(os.path.join(root, folder, "tensors.tsv"), mat.tolist())
        entry = {"tensor_name": f"{tag}:{step}", "tensor_path": f"{folder}/tensors.tsv"}
        if metadata is not None:
            if len(metadata) != mat.shape[0]:
                raise AssertionError("#labels should equal with #data points")
            rows = [row if metadata_header else [row] for row in metadata]
            header = [metadata_header] if metadata_header else []
            _write_rows(os.path.join(root, folder, "metadata.tsv"), header + rows)
            entry["metadata_path"] = f"{folder}/metadata.tsv"
        sprite = None
        if label_img is not None:
            if label_img.shape[0] != mat.shape[0]:
                raise AssertionError("#images should equal with #data points")
            sprite = (f"{folder}/sprite.png", label_img.shape[3], label_img.shape[2])
            _write_sprite(os.path.join(root, sprite[0]), make_np(label_img))
        self._note_embedding(root, entry, sprite)

    def _note_embedding(self, root: str, entry: dict, sprite) -> None:
        from google.protobuf import text_format
        from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig

        info = EmbeddingInfo(**entry)
        if sprite is not None:
            info.sprite.image_path = sprite[0]
            info.sprite.single_image_dim.extend(sprite[1:])
        if self._projector_config is None:
            self._projector_config = ProjectorConfig()
        self._projector_config.embeddings.extend([info])
        with open(os.path.join(root, "projector_config.pbtxt"), "w") as file:
            file.write(text_format.MessageToString(self._projector_config))

    def add_pr_curve(
        self, tag, labels, predictions, global_step=None, num_thresholds=127, weights=None, walltime=None
    ) -> None:
        """Precision and recall of probabilities against labels of 0 and 1, over thresholds."""
        self._add(summary.pr_curve(tag, labels, predictions, num_thresholds, weights), global_step, walltime)

    def add_pr_curve_raw(
        self,
        tag,
        true_positive_counts,
        false_positive_counts,
        true_negative_counts,
        false_negative_counts,
        precision,
        recall,
        global_step=None,
        num_thresholds=127,
        weights=None,
        walltime=None,
    ) -> None:
        """A precision-recall curve that is counted already."""
        counts = true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts
        self._add(summary.pr_curve_raw(tag, *counts, precision, recall, num_thresholds), global_step, walltime)

    def add_custom_scalars_multilinechart(self, tags, category="default", title="untitled") -> None:
        """Several numbers drawn in one chart."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(self, tags, category="default", title="untitled") -> None:
        """A number drawn with its lower and upper bound."""
        if len(tags) != 3:
            raise AssertionError(f"Expected 3 tags, got {len(tags)}.")
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    def add_custom_scalars(self, layout) -> None:
        """Which numbers are drawn together: {category: {title: ["Multiline" or "Margin", tags]}}."""
        self._add(summary.custom_scalars(layout))

    def add_mesh(
        self, tag, vertices, colors=None, faces=None, config_dict=None, global_step=None, walltime=None
    ) -> None:
        """Points or meshes: vertices (B, N, 3), colours (B, N, 3), faces (B, F, 3)."""
        self._add(summary.mesh(tag, vertices, colors, faces, config_dict), global_step, walltime)

    def flush(self) -> None:
        """Write what waits."""
        for writer in (self.all_writers or {}).values():
            writer.flush()

    def close(self) -> None:
        """Write what waits and close the files; a later ``add_`` opens new ones."""
        for writer in (self.all_writers or {}).values():
            writer.flush()
            writer.close()
        self.file_writer = self.all_writers = None

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, exc_type, exc_val, exc_tb) -> None:
        self.close()


def _encoded(tag: str) -> str:
    for character in "%/\\":  # the percent sign first: it begins the codes
        tag = tag.replace(character, f"%{ord(character):02x}")
    return tag


def _write_rows(path: str, rows) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines("\t".join(map(str, row)) + "\n" for row in rows)


def _write_sprite(path: str, images: np.ndarray) -> None:
    """All pictures in a square grid, as the projector wants them."""
    from PIL import Image

    picture = summary.grid(images, math.ceil(len(images) ** 0.5)).transpose(1, 2, 0)
    square = np.zeros((picture.shape[1], picture.shape[1], 3), dtype=picture.dtype)
    square[: picture.shape[0]] = picture
    Image.fromarray(summary._bytes_of_pixels(square)).save(path, format="PNG")
