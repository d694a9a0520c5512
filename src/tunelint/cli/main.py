"""The command `tunelint`: finds the subcommand, maps every way to fail to its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from tunelint import __version__
from tunelint.cli import exitcodes
from tunelint.cli.output import flush, open_streams, silence, tell
from tunelint.errors import TunelintError

# name -> (module below tunelint.cli, one line of help); imported only when it is called
COMMANDS: dict[str, tuple[str, str]] = {
    "lint": ("lint", "Check data files and report everything that is wrong with them."),
    "clean": ("clean", "Write mended copies of data files; keep what was removed, with the reason."),
    "split": ("split", "Divide data into train and eval so that nothing in train gives eval away."),
    "train": ("train", "Train on data that passes the linter (local GPU or CPU, or an OpenAI-compatible API)."),
    "lint-and-train": ("lint_and_train", "Lint, clean, train and judge in one step."),
    "curves": ("curves", "Say whether a training run overfitted and which checkpoint to keep."),
    "compare": ("compare", "Say whether tuning did more than a few examples in the prompt would."),
    "export": ("export", "Write the model of a run as a folder that transformers, vLLM and llama.cpp read."),
    "export-config": ("export_config", "Write checked data and a ready configuration for another trainer."),
    "serve": ("serve", "Serve an OpenAI-compatible fine-tuning API on your own machine."),
    "runs": ("runs", "List, show, resume or cancel training runs."),
    "stats": ("stats", "Say how long the records are, and what each target would train on."),
    "tokens": ("tokens", "Show one record as its target sees it: what is trained, what is cut."),
    "convert": ("convert", "Write data in another format; what it cannot hold is counted."),
    "diff": ("diff", "Compare two versions of a dataset: rows and findings that came and went."),
    "rule": ("rule", "Explain a rule, or list all of them."),
    "test-rules": ("test_rules", "Run the cases of rule pages."),
    "target": ("target", "Print what a service or trainer accepts, with sources and dates."),
    "baseline": ("baseline", "Accept today's findings, so that only new ones fail."),
    "index": ("index", "Save what records are compared by, without their text, for lint --against."),
    "init": ("init", "Write a commented tunelint.toml for the data in this folder."),
    "completion": ("completion", "Print the shell completion script."),
}
GROUPS = (
    ("Data", ("lint", "clean", "split", "convert", "stats", "tokens", "diff")),
    ("Training", ("train", "lint-and-train", "curves", "compare", "export", "export-config", "serve", "runs")),
    ("Rules and settings", ("rule", "test-rules", "target", "baseline", "index", "init", "completion")),
)


class Commands(click.Group):
    """Subcommands that are imported when they are called; `--help` lists them by what they are for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands of this version."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"tunelint.cli.{COMMANDS[name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the commands in groups."""
        for title, names in GROUPS:
            rows = [(name, COMMANDS[name][1]) for name in names if name in COMMANDS]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Add the nearest command's name to the error for an unknown one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], [*COMMANDS], n=1) if args else []
            if near:
                raise click.UsageError(f"{error.message} Did you mean '{near[0]}'?", ctx) from error
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="tunelint", message="%(prog)s %(version)s")
def cli() -> None:
    """The linter and one-step trainer for fine-tuning data.

    \b
    tunelint lint train.jsonl eval.jsonl      what is wrong with the data
    tunelint clean train.jsonl -o cleaned     a mended copy, and what was removed
    tunelint lint-and-train data/ --clean     lint, clean, train, and say if it overfitted

    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 could not check, 130 Ctrl-C.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises."""
    open_streams()
    try:
        result = cli.main(args=list(sys.argv[1:] if argv is None else argv), prog_name="tunelint", standalone_mode=False)
        flush()
        return result if isinstance(result, int) else exitcodes.OK
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.Abort):
        tell("tunelint: stopped")
        return exitcodes.INTERRUPTED
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # as in `tell`
            error.show(sys.stderr)
        return exitcodes.COULD_NOT_CHECK
    except TunelintError as error:
        tell(f"tunelint: {error}")
        return exitcodes.COULD_NOT_CHECK
    except (BrokenPipeError, SystemExit):  # click's own writing ends in SystemExit when the reader has had enough (`| head`)
        silence()
        return exitcodes.OK
    except OSError as error:
        silence()
        _traceback()
        what = f": {error.filename}" if error.filename is not None else " (is standard output full or closed?)"
        tell(f"tunelint: {error.strerror or error}{what}")
        return exitcodes.COULD_NOT_CHECK
    except Exception as error:
        _internal(error)
        return exitcodes.COULD_NOT_CHECK


def _traceback() -> None:
    if os.environ.get("TUNELINT_DEBUG"):
        import traceback

        traceback.print_exc()


def _internal(error: Exception) -> None:
    _traceback()
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" ({os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno})" if where is not None else ""
    kind = type(error).__name__
    tell(f"tunelint: internal error, please report it: {kind}: {error}{place}; TUNELINT_DEBUG=1 prints the traceback")


def entry() -> None:
    """Entry point of the installed command."""
    sys.exit(main())
