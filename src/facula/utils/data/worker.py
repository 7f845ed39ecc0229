"""Workers of a loader: what every worker does, and the pool whose workers are threads. Processes are in process.py.

Threads serve datasets that run no Python of the user's: nothing has to be copied, and starting costs microseconds.
"""

from __future__ import annotations

import queue
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Begin", "ThreadPool", "WorkerInfo", "get_worker_info", "serve"]

_local = threading.local()


class WorkerInfo:
    """What a worker knows about itself.

    Args:
        id (int): from 0 to ``num_workers - 1``.
        num_workers (int): how many there are.
        seed (int): differs per worker; for random generators that belong to this worker.
        dataset (Dataset): the dataset as this worker sees it.
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


class Begin:
    """The message that a new pass begins, with the worker's seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed


def serve(
    info: WorkerInfo,
    make_fetch: Callable[[Any], Callable[[Any], Any]],
    init: Callable[[int], Any] | None,
    receive: Callable[[], Any],
    send: Callable[[bool, Any], None],
) -> None:
    """A worker's whole life: receives Begin, then (index,) for each batch, and None at the end.

    It holds no reference to its pool, so that a forgotten pool can be collected.

    Args:
        make_fetch (callable): from a dataset to the function from an index to a batch, once a pass.
        init (callable): called with the worker's number first, or None.
        send (callable): takes (True, batch) or (False, exception).
    """
    _local.info = info
    failed = None
    if init is not None:
        try:
            init(info.id)
        except BaseException as error:
            failed = error
    fetch = None
    while (message := receive()) is not None:
        if isinstance(message, Begin):
            info.seed, fetch = message.seed, None
            continue
        try:
            if failed is not None:
                raise failed
            if fetch is None:
                fetch = make_fetch(info.dataset)
            answer = (True, fetch(message[0]))
        except BaseException as error:  # raised again where the result is awaited
            answer = (False, error)
        send(*answer)
        del answer, message


class ThreadPool:
    """A fixed number of threads; results of one worker come in the order of its tasks.

    Args:
        infos (list of WorkerInfo): one for each worker to start.
        make_fetch (callable): see :func:`serve`.
        init (callable): called with the worker's number in each worker first, or None.
        timeout (float): seconds to wait for a result; 0 waits for ever.
    """

    def __init__(
        self,
        infos: list[WorkerInfo],
        make_fetch: Callable[[Any], Callable[[Any], Any]],
        init: Callable[[int], Any] | None,
        timeout: float,
    ) -> None:
        self._timeout = timeout or None
        self._tasks: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in infos]
        self._results: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in infos]
        self._awaited = [0] * len(infos)
        for info, tasks, results in zip(infos, self._tasks, self._results):
            threading.Thread(
                target=serve,
                args=(info, make_fetch, init, tasks.get, lambda *answer, put=results.put: put(answer)),
                name=f"facula-data-{info.id}",
                daemon=True,
            ).start()

    def begin(self, seeds: list[int]) -> None:
        """Start a new pass: forget what nobody collected."""
        for worker, count in enumerate(self._awaited):
            for _ in range(count):
                self._results[worker].get()
            self._awaited[worker] = 0
        for tasks, seed in zip(self._tasks, seeds):
            tasks.put(Begin(seed))

    def submit(self, worker: int, index: Any) -> None:
        """Queue a batch for a worker."""
        self._awaited[worker] += 1
        self._tasks[worker].put((index,))

    def result(self, worker: int) -> Any:
        """The oldest batch of a worker that was not collected; what it raised is raised here.

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
