"""Runs checks of opdb.py for many operators, each in a forked child with a time limit, so that a crash or a hang is a
result like any other. Imports the database once. Decides nothing about what passes."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from pathlib import Path

import opdb
import torch

import facula

SECONDS_PER_DTYPE = 90.0
OUT_OF_SCOPE = Path(__file__).with_name("opdb_scope.txt")


def excluded():
    """Operators that are not compared, with the reason: lines ``name: reason``."""
    lines = [line for line in OUT_OF_SCOPE.read_text().splitlines() if line and not line.startswith("#")]
    return {name.strip(): reason.strip() for name, reason in (line.split(":", 1) for line in lines)}


def _work(op, dtypes, limits, pipe):
    """In the child: one line when a dtype begins, one with its result."""
    for dtype in dtypes:
        os.write(pipe, (json.dumps({"begin": dtype}) + "\n").encode())
        try:
            result = opdb.check(op, dtype, limits)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            result = {"samples": 0, "out_of_scope": 0, "failures": [_failure(op, dtype, "harness", text)]}
        line = (json.dumps({"end": dtype, **result}) + "\n").encode()
        while line:
            line = line[os.write(pipe, line) :]


def _failure(op, dtype, kind, text):
    return {"op": opdb.op_name(op), "dtype": dtype, "kind": kind, "variant": "", "text": text}


class _Child:
    """One forked process with what it has said so far."""

    def __init__(self, op, dtypes, limits):
        self.op, self.left, self.running = op, list(dtypes), None
        self.started, self.buffer = time.monotonic(), b""
        self.pipe, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            try:
                _work(op, dtypes, limits, writing)
            finally:
                os._exit(0)
        os.close(writing)

    def read(self, results):
        """Takes what the child wrote; False at its end."""
        data = os.read(self.pipe, 1 << 16)
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "begin" in message:
                self.running, self.started = message["begin"], time.monotonic()
            else:
                self.left.remove(message.pop("end"))
                self.running = None
                results.append(message)
        return bool(data)

    def finish(self, results, timed_out):
        """Reaps it; what it left unfinished is a failure of the dtype it was at."""
        os.close(self.pipe)
        if timed_out:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        if self.left:
            dtype = self.running or self.left[0]
            code = os.waitstatus_to_exitcode(status)
            kind, text = ("timeout", f"over {SECONDS_PER_DTYPE} s") if timed_out else ("crash", f"exit status {code}")
            failures = [_failure(self.op, dtype, kind, text)]
            results.append({"samples": 1, "out_of_scope": 0, "failures": failures})
            self.left.remove(dtype)


def run(ops, dtypes=opdb.DTYPES, limits=None, jobs=2, progress=None):
    """{operator: {"samples", "out_of_scope", "failures"}} of all of them."""
    torch.set_num_threads(1)
    facula.set_num_threads(1)
    limits = limits or opdb.Limits()
    found = {opdb.op_name(op): {"samples": 0, "out_of_scope": 0, "failures": []} for op in ops}
    waiting = [(op, list(dtypes)) for op in reversed(ops)]
    selector = selectors.DefaultSelector()
    while waiting or selector.get_map():
        while waiting and len(selector.get_map()) < jobs:
            child = _Child(*waiting.pop(), limits)
            selector.register(child.pipe, selectors.EVENT_READ, child)
        ready = {key.fileobj for key, _ in selector.select(timeout=1.0)}
        for key in list(selector.get_map().values()):
            child, results = key.data, []
            alive = child.read(results) if key.fileobj in ready else True
            late = time.monotonic() - child.started > SECONDS_PER_DTYPE
            if not alive or late:
                selector.unregister(key.fileobj)
                child.finish(results, timed_out=alive)
                if child.left:
                    waiting.append((child.op, child.left))
            _add(found[opdb.op_name(child.op)], results)
            if progress and not alive and not child.left:
                progress(opdb.op_name(child.op), found[opdb.op_name(child.op)])
    return found


def _add(entry, results):
    for result in results:
        for key in ("samples", "out_of_scope", "failures"):
            entry[key] += result[key]


def main(names_file, result_file):
    """For a test: a few samples of the operators named in one file, the result into the other."""
    ops = opdb.operators()
    chosen = [ops[line] for line in Path(names_file).read_text().split("\n") if line]
    found = run(chosen, ("float32", "float64", "int64"), opdb.FEW, jobs=min(os.cpu_count() or 1, 4))
    Path(result_file).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
