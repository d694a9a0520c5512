"""Where chunks are scanned: inline, or in worker processes of our own.

Workers are plain subprocesses that speak pickles over their pipes. They need no `__main__` guard in the caller's script,
share no state, ignore Ctrl-C (the parent decides), and end by themselves when the parent's end of the pipe closes, also
after a SIGKILL of the parent: nothing is ever left behind.
"""

from __future__ import annotations

import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import IO, Any

from tunelint.engine.scan import ChunkResult, ScanPlan, scan
from tunelint.errors import TunelintError
from tunelint.records.chunks import Chunk

_HEADER = struct.Struct(">Q")


def scan_inline(chunks: Iterable[Chunk], plan: ScanPlan) -> Iterator[ChunkResult]:
    """Scan chunk by chunk in this process."""
    for chunk in chunks:
        yield scan(chunk, plan)


def scan_in_processes(chunks: Iterable[Chunk], plan: ScanPlan, jobs: int) -> Iterator[ChunkResult]:
    """Scan on `jobs` worker processes; results come in the order of the chunks, whoever was faster.

    At most two chunks per worker are in flight, so memory stays bounded. Raises TunelintError when a worker dies.
    """
    workers = [_Worker(plan) for _ in range(jobs)]
    done: queue.Queue[tuple[int, ChunkResult | BaseException]] = queue.Queue()
    todo: queue.Queue[tuple[int, Chunk] | None] = queue.Queue()
    threads = [threading.Thread(target=_serve, args=(worker, todo, done), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    waiting: dict[int, ChunkResult] = {}
    sent = received = 0
    try:
        source = iter(enumerate(chunks))
        exhausted = False
        while not exhausted or received < sent:
            while not exhausted and sent - received < 2 * jobs:
                item = next(source, None)
                if item is None:
                    exhausted = True
                    break
                todo.put(item)
                sent += 1
            if received < sent:
                while received not in waiting:
                    index, outcome = done.get()
                    if isinstance(outcome, BaseException):
                        raise outcome
                    waiting[index] = outcome
                yield waiting.pop(received)
                received += 1
    finally:
        for _ in threads:
            todo.put(None)
        for worker in workers:
            worker.close()


def _serve(worker: _Worker, todo: queue.Queue[Any], done: queue.Queue[Any]) -> None:
    while (item := todo.get()) is not None:
        index, chunk = item
        try:
            done.put((index, worker.scan(chunk)))
        except BaseException as error:
            done.put((index, error))
            return


class _Worker:
    def __init__(self, plan: ScanPlan) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tunelint.engine.executors import work; work()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        _send(self._in, plan)

    def scan(self, chunk: Chunk) -> ChunkResult:
        try:
            _send(self._in, chunk)
            result = _receive(self._out)
        except (OSError, ValueError) as error:
            raise TunelintError(f"a worker process ended unexpectedly ({error}); try --jobs 1") from error
        if result is None:
            code = self._process.wait()
            raise TunelintError(f"a worker process ended with exit code {code} (out of memory?); try --jobs 1")
        if isinstance(result, BaseException):
            raise result
        assert isinstance(result, ChunkResult)
        return result

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._in, self._out):
            try:
                pipe.close()
            except OSError:  # unsent bytes for a worker that is gone
                continue


def work() -> None:
    """Run a worker: a plan, then chunks, on standard input; results on standard output."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not corrupt the results
    plan = _receive(stdin)
    while (chunk := _receive(stdin)) is not None:
        try:
            outcome: Any = scan(chunk, plan)
        except Exception as error:
            outcome = TunelintError(f"internal error while checking: {type(error).__name__}: {error}")
            import traceback

            traceback.print_exc()
        try:
            _send(stdout, outcome)
        except BrokenPipeError:
            return


def _send(pipe: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_HEADER.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    header = pipe.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    data = pipe.read(_HEADER.unpack(header)[0])
    return pickle.loads(data)  # our own process at the other end of the pipe
