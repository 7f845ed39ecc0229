"""Worker threads of a loader: each has a queue of tasks and a queue of results.

Threads, not processes: kernels and file reading release the GIL, nothing has to be pickled or shared, and starting
costs microseconds. What runs in Python only gains nothing from them.
"""

from __future__ import annotations

import queue
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["WorkerInfo", "WorkerPool", "get_worker_info"]

_local = threading.local()


class WorkerInfo:
    """What a worker knows about itself.

    Args:
        id (int): from 0 to ``num_workers - 1``.
        num_workers (int): how many there are.
        seed (int): differs per worker and pass; for random generators that belong to this worker.
        dataset (Dataset): the dataset, for an iterable-style one this worker's own shallow copy.
    """

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset

    def __repr__(self) -> str:
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, dataset={self.dataset})"


def get_worker_info() -> WorkerInfo | None:
    """What the calling worker knows about itself, or None outside of workers.

    Returns:
        WorkerInfo or None.

    Example:
        >>> import facula as torch
        >>> torch.utils.data.get_worker_info() is None
        True
    """
    return getattr(_local, "info", None)


def _run(
    info: WorkerInfo, init: Callable[[int], Any] | None, tasks: queue.SimpleQueue, results: queue.SimpleQueue
) -> None:
    """A thread's whole life. It holds no reference to the pool, so that a forgotten pool can be collected."""
    _local.info = info
    failed = None
    if init is not None:
        try:
            init(info.id)
        except BaseException as error:
            failed = error
    while (task := tasks.get()) is not None:
        try:
            if failed is not None:
                raise failed
            results.put((True, task()))
        except BaseException as error:  # raised again where the result is awaited
            results.put((False, error))
        task = None


class WorkerPool:
    """A fixed number of threads; results of one worker come in the order of its tasks.

    Args:
        infos (list of WorkerInfo): one for each thread to start.
        init (callable): called with the worker's number in each thread first, or None.
        timeout (float): seconds to wait for a result; 0 waits for ever.
    """

    def __init__(self, infos: list[WorkerInfo], init: Callable[[int], Any] | None, timeout: float) -> None:
        self.infos = infos
        self._timeout = timeout or None
        self._tasks: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in infos]
        self._results: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in infos]
        self._awaited = [0] * len(infos)
        for info, tasks, results in zip(infos, self._tasks, self._results):
            name = f"facula-data-{info.id}"
            threading.Thread(target=_run, args=(info, init, tasks, results), name=name, daemon=True).start()

    def submit(self, worker: int, task: Callable[[], Any]) -> None:
        """Queue a task for a worker."""
        self._awaited[worker] += 1
        self._tasks[worker].put(task)

    def result(self, worker: int) -> Any:
        """The result of the oldest task of a worker that was not collected; what it raised is raised here.

        Raises:
            RuntimeError: no result within the time limit.
        """
        try:
            ok, value = self._results[worker].get(timeout=self._timeout)
        except queue.Empty:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        self._awaited[worker] -= 1
        if ok:
            return value
        try:
            raise value
        finally:
            value = None  # the traceback refers to this frame: leave no cycle

    def drain(self) -> None:
        """Wait for the tasks that nobody collected and forget their results."""
        for worker, count in enumerate(self._awaited):
            for _ in range(count):
                self._results[worker].get()
            self._awaited[worker] = 0

    def shutdown(self) -> None:
        """Let the threads end after what they have begun; does not wait."""
        for tasks in self._tasks:
            while True:
                try:
                    tasks.get_nowait()
                except queue.Empty:
                    break
            tasks.put(None)

    def __del__(self) -> None:
        self.shutdown()
