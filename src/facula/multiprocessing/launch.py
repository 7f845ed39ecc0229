"""Starts functions in processes of their own and waits for them; the first that fails ends the others."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import sys
import traceback

__all__ = [
    "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException", "spawn",
    "start_processes",
]  # fmt: skip

_SECONDS_TO_END = 5.0


class ProcessException(Exception):
    """A process of ``spawn`` failed.

    Args:
        msg (str); error_index (int): which process; error_pid (int): its number in the system.
    """

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, error_pid

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """A process of ``spawn`` raised an exception; the message ends with its traceback."""


class ProcessExitedException(ProcessException):
    """A process of ``spawn`` ended with another status than 0, or by a signal."""

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None):
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _run(function, index: int, args: tuple, failures) -> None:
    """What runs in a process: tell why it failed, then end with status 1."""
    try:
        function(index, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        failures.send(traceback.format_exc())
        sys.exit(1)


def _received(failure) -> str:
    """The traceback that a process sent; none when it died before."""
    try:
        return failure.recv()
    except EOFError:
        return ""


class ProcessContext:
    """The processes that ``spawn(join=False)`` started."""

    def __init__(self, processes: list, failures: list) -> None:
        self.processes, self._failures = processes, failures
        self._waiting = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """Their numbers in the system."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one has ended, or the time is up; True when all have.

        Raises:
            ProcessRaisedException, ProcessExitedException: one failed; the others are ended.
        """
        if not self._waiting:
            return True
        failed = None
        for sentinel in multiprocessing.connection.wait(list(self._waiting), timeout=timeout):
            index = self._waiting.pop(sentinel)  # type: ignore[call-overload]
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                failed = index
                break
        if failed is None:
            return not self._waiting
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(_SECONDS_TO_END if grace_period is None else grace_period)
            if process.is_alive():
                process.kill()
                process.join()
        self._raise(failed)
        return False

    def _raise(self, index: int) -> None:
        process, failure = self.processes[index], self._failures[index]
        if failure.poll() and (text := _received(failure)):
            text = f"\n\n-- Process {index} terminated with the following error:\n{text}"
            raise ProcessRaisedException(text, index, process.pid)
        code = process.exitcode
        if code < 0:
            name = signal.Signals(-code).name
            raise ProcessExitedException(
                f"process {index} terminated with signal {name}", index, process.pid, code, name
            )
        raise ProcessExitedException(f"process {index} terminated with exit code {code}", index, process.pid, code)


def start_processes(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Call ``fn(index, *args)`` in ``nprocs`` processes; as ``spawn``, with a choice of the start method."""
    context = multiprocessing.get_context(start_method)
    processes, failures = [], []
    for index in range(nprocs):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, index, args, there), daemon=daemon)
        process.start()
        there.close()
        processes.append(process)
        failures.append(here)
    started = ProcessContext(processes, failures)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Call ``fn(index, *args)`` in ``nprocs`` new processes.

    Args:
        fn (callable): a function at the top of a module, so that the processes can import it.
        args (tuple): its arguments after the index.
        join (bool): wait for them; else return a ``ProcessContext``.

    Raises:
        ProcessRaisedException, ProcessExitedException: one failed; the others are ended.
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)
