"""The two threads behind the server: one lints what arrives, one trains one job after another.

All that they need is in the store and in the run folders, so a server that was killed goes on where it was: uploads that
were not linted are linted, jobs that were training are adopted or resumed from their last checkpoint.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tunelint.errors import TunelintError
from tunelint.records.reader import read_records
from tunelint.train.plan import Plan, Source
from tunelint.train.records import TrainRecord, select_records
from tunelint.train.runs import RunFolder
from tunelint.train.server.names import tuned_folder
from tunelint.train.server.progress import finish, sync
from tunelint.train.server.requests import hyperparameters
from tunelint.train.server.store import Row, Store
from tunelint.train.server.validate import job_error, lint_files, upload_verdict
from tunelint.train.server.worker import Worker, require_local

POLL = 0.25
MOST_DEATHS = 3


class Runner:
    """Lints and trains in the background. `models` maps model names to what the local backend calls them."""

    def __init__(self, store: Store, models: dict[str, str]) -> None:
        self._store, self._models = store, models
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._active: str | None = None
        self._threads = [
            threading.Thread(target=self._loop, args=(step,), name=f"tunelint-{step.__name__.strip('_')}", daemon=True)
            for step in (self._lint_next, self._train_next)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the worker save a checkpoint and end; its job goes on when the server is started again."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """Look for work now."""
        with self._changed:
            self._changed.notify_all()

    def works_on(self, job: str) -> bool:
        """Whether the job is being trained."""
        return self._active == job

    def rest(self, job: str, wish: str) -> None:
        """Do what was wished with a job that nobody works on."""
        if wish == "pause":
            self._store.event(job, f"paused-{time.time_ns()}", "The job has been paused")
            self._store.update("jobs", job, status="paused", wish=None)
        else:
            self._store.event(job, "cancelled", "The job has been cancelled")
            self._store.update("jobs", job, status="cancelled", wish=None, finished_at=round(time.time()))

    def _loop(self, step: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            try:
                found = step()
            except Exception:  # a full disk, say: told on stderr and tried again, for a dead thread would leave every job hanging
                traceback.print_exc(file=sys.stderr)
                found = False
            if not found:
                with self._changed:
                    self._changed.wait(timeout=1.0)

    def _lint_next(self) -> bool:
        """Lint one upload, else the data of one job. Says whether there was one."""
        file = self._store.one("SELECT * FROM files WHERE status = 'uploaded' ORDER BY seq LIMIT 1")
        if file is not None:
            try:
                status, details = upload_verdict(self._store.file_path(file["id"]))
            except Exception as error:
                traceback.print_exc(file=sys.stderr)
                status, details = "error", f"the linter failed: {type(error).__name__}: {error}"
            self._store.update("files", file["id"], status=status, details=details)
            return True
        job = self._store.one("SELECT * FROM jobs WHERE status = 'validating_files' ORDER BY seq LIMIT 1")
        if job is None:
            return False
        self._guarded(job, self._validate)
        return True

    def _validate(self, job: Row) -> None:
        paths = [self._store.file_path(job[name]) if job[name] else None for name in ("training_file", "validation_file")]
        assert paths[0] is not None
        report = lint_files(paths[0], paths[1])
        error = job_error(report)
        if error is not None:
            self._fail(job["id"], error)
            return
        self._prepare(job, paths[0], paths[1])
        # In one transaction with the wish, so that neither a cancel nor a pause that comes meanwhile is overlooked.
        with self._store.transaction():
            self._store.event(job["id"], "queued", "Files validated, moving job to queued state")
            self._store.update("jobs", job["id"], status="queued")
            now = self._job(job["id"])
            if now["wish"]:
                self.rest(job["id"], now["wish"])

    def _prepare(self, job: Row, train: Path, evaluation: Path | None) -> None:
        """Write the run folder: from here on the job needs its files no more."""
        run = self._store.run_path(job["id"])
        if run.exists():
            shutil.rmtree(run)
        rows, sources = _rows(self._store, job, "training_file", train)
        eval_rows, eval_sources = _rows(self._store, job, "validation_file", evaluation) if evaluation else ((), ())
        model = self._models.get(job["model"]) or str(self._tuned(job["model"]))
        kind = job["method"]["type"]
        if kind == "dpo" and not all(row.rejected for row in (*rows, *eval_rows)):
            raise TunelintError("The method is dpo, and not every record is a preference pair.")
        RunFolder.create(
            Plan(
                train=rows, eval=eval_rows, model=model, backend="local", method=kind, seed=job["seed"],
                hyperparameters=hyperparameters(job["method"]), run_dir=run, train_sources=sources, eval_sources=eval_sources,
            )
        )  # fmt: skip

    def _tuned(self, name: str) -> Path:
        folder = tuned_folder(self._store, name)
        if folder is None or not (folder / "config.json").is_file():
            raise TunelintError(f"{name} cannot be trained further: it is no whole model.")
        return folder

    def _train_next(self) -> bool:
        """Train one job to its rest. Says whether there was one. A job that runs already comes first."""
        job = self._store.one("SELECT * FROM jobs WHERE status IN ('running', 'queued') ORDER BY status = 'queued', seq LIMIT 1")
        if job is None:
            return False
        self._active = job["id"]
        try:
            self._guarded(job, self._train)
        finally:
            self._active = None
        return True

    def _train(self, job: Row) -> None:
        with self._store.transaction():
            job = self._job(job["id"])
            if job["wish"]:
                self.rest(job["id"], job["wish"])
                return
            self._store.update("jobs", job["id"], status="running")
            self._store.event(job["id"], "started", "Fine-tuning job started")
        require_local()
        folder = RunFolder(self._store.run_path(job["id"]))
        worker = Worker(folder.path)
        asked_to_stop = False
        while worker.alive:
            job = self._job(job["id"])
            if (job["wish"] or self._stopping.is_set()) and not asked_to_stop:
                worker.stop()
                asked_to_stop = True
            sync(self._store, job, folder)
            time.sleep(POLL)
        self._settle(self._job(job["id"]), folder, worker)

    def _settle(self, job: Row, folder: RunFolder, worker: Worker) -> None:
        """Read in the run folder how the worker ended."""
        sync(self._store, job, folder)
        record, state = folder.read(), folder.state
        if state == "succeeded":
            finish(self._store, self._job(job["id"]), folder)
        elif state == "failed":
            self._fail(job["id"], {"code": "training_failed", "message": str(record.get("error")), "param": None})
        elif job["wish"]:
            self.rest(job["id"], job["wish"])
        elif not self._stopping.is_set() and not worker.outrun:
            # Killed by somebody else, the system's out-of-memory killer for one: it goes on from its last checkpoint.
            deaths = job["deaths"] + 1
            self._store.update("jobs", job["id"], deaths=deaths)
            if deaths >= MOST_DEATHS:
                message = f"The worker died {deaths} times; it said last: {worker.last_words()}"
                self._fail(job["id"], {"code": "worker_died", "message": message, "param": None})
            else:
                self._store.event(job["id"], f"death-{deaths}", "The worker was killed; going on from its last checkpoint", level="warn")

    def _guarded(self, job: Row, work: Callable[[Row], None]) -> None:
        """Fail the job, never the thread; what is our own fault also goes to stderr."""
        try:
            work(job)
        except TunelintError as error:
            self._fail(job["id"], {"code": "invalid_training_file", "message": str(error), "param": "training_file"})
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._fail(job["id"], {"code": "server_error", "message": f"{type(error).__name__}: {error}", "param": None})

    def _fail(self, job: str, error: Row) -> None:
        self._store.event(job, "failed", error["message"], level="error")
        self._store.update("jobs", job, status="failed", error=error, finished_at=round(time.time()), wish=None)

    def _job(self, identity: str) -> Row:
        job = self._store.one("SELECT * FROM jobs WHERE id = ?", identity)
        assert job is not None
        return job


def _rows(store: Store, job: Row, name: str, path: Path) -> tuple[tuple[TrainRecord, ...], tuple[Source, ...]]:
    selection = select_records((record.example, record.digest) for record in read_records(str(path)))
    for reason, count in selection.left_out.items():
        store.event(job["id"], f"left-out-{name}-{reason}", f"{count:,} records of {name} are left out: {reason}", level="warn")
    file = store.one("SELECT sha256 FROM files WHERE id = ?", job[name])
    digest = file["sha256"] if file else ""
    return selection.records, (Source(job[name], digest, len(selection.records)),)
