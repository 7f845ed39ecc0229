"""Worker processes of a loader. Each has a pipe to and a pipe from it; batches come back through shared memory.

A worker's generators are seeded as PyTorch seeds them, so that random transformations draw the same numbers.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import queue
import random
import signal
import sys
import tempfile
import threading
import traceback
import weakref
from multiprocessing import connection, reduction

import facula
from facula.utils.data.worker import Begin, WorkerInfo, serve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from facula import Tensor

__all__ = ["ProcessPool"]

# Smaller batches go through the pipe itself: a file and two mappings cost about as much as copying this many bytes.
_SHARED_BYTES = 1 << 16
_ALIGNMENT = 64
_SECONDS_TO_END = 5.0
# What may not fit the pipe is written by a thread: a worker that waits until its answer is read reads nothing.
_PIPE_BYTES = 1 << 15  # half of Linux's default


# ---- batches as bytes ----


def _from_buffer(buffer: Any, dtype_name: str, shape: tuple, requires_grad: bool) -> Tensor:
    dtype = getattr(facula, dtype_name)
    if not len(buffer):
        return facula.empty(shape, dtype=dtype, requires_grad=requires_grad)
    return facula.frombuffer(buffer, dtype=dtype).view(shape).requires_grad_(requires_grad)


class _Pickler(pickle.Pickler):
    """Leaves the elements of tensors out of the stream, as protocol 5 does for arrays."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is not facula.Tensor or not value.is_leaf:
            return NotImplemented
        dtype = str(value.dtype).rpartition(".")[2]
        data = value.detach().contiguous().reshape(-1)
        memory = memoryview(data.view(facula.uint8) if data.numel() else b"")
        return _from_buffer, (pickle.PickleBuffer(memory), dtype, tuple(value.shape), value.requires_grad)


def _places(sizes: list[int]) -> list[int]:
    """Where buffers of these sizes begin in the shared memory, and its size."""
    places = [0]
    for size in sizes:
        places.append(places[-1] + -(-size // _ALIGNMENT) * _ALIGNMENT)
    return places


def _dump(answer: tuple[bool, Any]) -> tuple[bytes, list[Any]]:
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(answer)
    return stream.getvalue(), [buffer.raw() for buffer in buffers]


def _send(results: connection.Connection, parent: int, answer: tuple[bool, Any]) -> None:
    """Write an answer: its stream, the sizes of its buffers, and the buffers, in the pipe or in shared memory."""
    stream, buffers = _dump(answer)
    sizes = [len(buffer) for buffer in buffers]
    places = _places(sizes)
    if sys.platform == "win32" or places[-1] < _SHARED_BYTES:
        results.send_bytes(pickle.dumps((stream, sizes, None)))
        for buffer in buffers:
            results.send_bytes(buffer)
        return
    with _shared_file() as file:
        file.truncate(places[-1])
        for place, buffer in zip(places, buffers):
            file.seek(place)
            file.write(buffer)
        file.flush()
        results.send_bytes(pickle.dumps((stream, sizes, places[-1])))
        reduction.send_handle(results, file.fileno(), parent)


def _shared_file() -> Any:
    """A file in memory, without a name: it lives as long as somebody has it open or mapped."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("facula-batch"), "w+b")
    return tempfile.TemporaryFile()


def _receive(results: connection.Connection) -> tuple[bool, Any]:
    stream, sizes, shared = pickle.loads(results.recv_bytes())
    if shared is None:
        buffers = [memoryview(bytearray(results.recv_bytes())) for _ in sizes]
    else:
        handle = reduction.recv_handle(results)
        try:
            memory = memoryview(mmap.mmap(handle, shared))
        finally:
            os.close(handle)
        buffers = [memory[place : place + size] for place, size in zip(_places(sizes), sizes)]
    return pickle.loads(stream, buffers=buffers)


# ---- the worker's side ----


class _Failure:
    """What went wrong in a worker, as far as it can be sent: the type, and the text of the traceback."""

    def __init__(self, error: BaseException, worker: int) -> None:
        self.kind: type = type(error)
        try:
            pickle.dumps(self.kind)
        except (pickle.PicklingError, AttributeError, TypeError):
            self.kind = RuntimeError  # a class that only the worker knows
        self.ends_pass = isinstance(error, StopIteration)
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.text = f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {lines}"

    def raise_again(self) -> None:
        if self.ends_pass:
            raise StopIteration
        if self.kind is KeyError:
            raise KeyError(_Text(self.text))  # KeyError shows the repr of its message
        try:
            error = self.kind(self.text)
        except Exception:  # the class's own constructor may want other arguments, and fail in any way
            error = RuntimeError(self.text)
        raise error


class _Text(str):
    """Text whose repr is itself: line breaks stay readable."""

    def __repr__(self) -> str:
        return str(self)


def _seed(seed: int, worker: int, base_seed: int) -> None:
    """The generators of a worker, as PyTorch seeds them."""
    random.seed(seed)
    facula.manual_seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = (worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0)
        numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))


def _work(
    info: WorkerInfo,
    make_fetch: Callable,
    init: Callable | None,
    tasks: connection.Connection,
    results: connection.Connection,
    not_mine: list[connection.Connection],
    parent: int,
) -> None:
    """The main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process of the loader
    for end in not_mine:
        end.close()
    facula.set_num_threads(1)
    _seed(info.seed, info.id, info.seed - info.id)

    def receive() -> Any:
        try:
            return tasks.recv()
        except EOFError:  # the loader's process has ended
            return None

    def send(ok: bool, value: Any) -> None:
        if not ok:
            value = _Failure(value, info.id)
        try:
            _send(results, parent, (ok, value))
        except (BrokenPipeError, ConnectionResetError):
            pass
        except Exception as error:  # pickling a batch runs its own code, which may fail in any way
            _send(results, parent, (False, _Failure(error, info.id)))

    serve(info, make_fetch, init, receive, send)


# ---- the loader's side ----


def _feed(messages: queue.SimpleQueue, tasks: connection.Connection) -> None:
    """Write messages until None."""
    try:
        while (data := messages.get()) is not None:
            tasks.send_bytes(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the worker has ended: whoever waits for its answer says so
    finally:
        tasks.close()


class ProcessPool:
    """A fixed number of processes; results of one worker come in the order of its tasks.

    Args:
        infos (list of WorkerInfo): one for each worker to start.
        make_fetch (callable): see :func:`facula.utils.data.worker.serve`.
        init (callable): called with the worker's number in each worker first, or None.
        timeout (float): seconds to wait for a result; 0 waits for ever.
        context: of multiprocessing: how processes start.
    """

    def __init__(
        self, infos: list[WorkerInfo], make_fetch: Callable, init: Callable | None, timeout: float, context: Any
    ) -> None:
        self._timeout = timeout or None
        self._awaited = [0] * len(infos)
        self._tasks: list[connection.Connection] = []
        self._results: list[connection.Connection] = []
        self._processes: list[Any] = []
        self._feeders: dict[int, queue.SimpleQueue] = {}
        self._unread = [0] * len(infos)  # bytes that may still be in the pipe
        self._end = weakref.finalize(self, _end_all, self._tasks, self._results, self._processes, self._feeders)
        self._end.atexit = False  # multiprocessing ends its daemons itself
        forks = context.get_start_method() == "fork"
        for info in infos:
            tasks_out, tasks_in = context.Pipe(duplex=False)
            results_out, results_in = context.Pipe(duplex=True)  # a socket: it can carry a file
            self._tasks.append(tasks_in)
            self._results.append(results_out)
            # A forked process inherits these ends; left open there, they would hide that this process has ended.
            not_mine = [*self._tasks, *self._results] if forks else []
            process = context.Process(
                target=_work,
                args=(info, make_fetch, init, tasks_out, results_in, not_mine, os.getpid()),
                name=f"facula-data-{info.id}",
                daemon=True,
            )
            process.start()
            self._processes.append(process)
            tasks_out.close()
            results_in.close()

    def begin(self, seeds: list[int]) -> None:
        """Start a new pass: forget what nobody collected."""
        for worker, count in enumerate(self._awaited):
            for _ in range(count):
                self._answer(worker)
            self._awaited[worker] = 0
        for worker, seed in enumerate(seeds):
            self._put(worker, Begin(seed))

    def submit(self, worker: int, index: Any) -> None:
        """Queue a batch for a worker."""
        self._put(worker, (index,))
        self._awaited[worker] += 1

    def _put(self, worker: int, message: Any) -> None:
        data = bytes(reduction.ForkingPickler.dumps(message))
        feeder = self._feeders.get(worker)
        if self._awaited[worker] == 0:
            self._unread[worker] = 0
        self._unread[worker] += len(data)
        if feeder is None and self._unread[worker] > _PIPE_BYTES:
            feeder = self._feeders[worker] = queue.SimpleQueue()
            threading.Thread(target=_feed, args=(feeder, self._tasks[worker]), daemon=True).start()
        if feeder is not None:
            feeder.put(data)
            return
        try:
            self._tasks[worker].send_bytes(data)
        except (BrokenPipeError, ConnectionResetError):
            self._report_death(worker)

    def _report_death(self, worker: int) -> None:
        process = self._processes[worker]
        process.join(_SECONDS_TO_END)
        raise RuntimeError(
            f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly with exit code {process.exitcode}. "
            "Details are lost due to multiprocessing. Rerunning with num_workers=0 may give better error trace."
        )

    def _answer(self, worker: int) -> tuple[bool, Any]:
        results = self._results[worker]
        ready = connection.wait([results, self._processes[worker].sentinel], self._timeout)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        try:
            if results not in ready and not results.poll():
                raise EOFError
            return _receive(results)
        except (EOFError, ConnectionResetError):
            self._report_death(worker)
            raise  # not reached: the report raises

    def result(self, worker: int) -> Any:
        """The oldest batch of a worker that was not collected; what it raised is raised here.

        Raises:
            RuntimeError: no result within the time limit, or the worker has ended.
        """
        ok, value = self._answer(worker)
        self._awaited[worker] -= 1
        if not ok:
            value.raise_again()
        return value

    def shutdown(self) -> None:
        """End the processes; what they have begun is lost."""
        self._end()


def _end_all(tasks: list[Any], results: list[Any], processes: list[Any], feeders: dict[int, Any]) -> None:
    """End a pool's processes. The finalizer of the pool holds these parts, so that they outlive it."""
    for feeder in feeders.values():
        feeder.put(None)
    for worker, end in enumerate(tasks):
        if worker not in feeders:  # a feeder closes its own
            end.close()
    for end in results:
        end.close()
    for process in processes:
        process.join(_SECONDS_TO_END)
        if process.is_alive():
            process.terminate()
            process.join()
