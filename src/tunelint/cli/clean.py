"""`tunelint clean`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.lint import show_diff
from tunelint.cli.options import Invocation, gate_options, input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, say, tell, tell_unread

if TYPE_CHECKING:
    from tunelint.fixes.decide import Mode


@click.command("clean")
@paths_argument
@click.option(
    "-o", "--output", "output", default="cleaned", show_default=True, type=click.Path(), metavar="DIR", help="Folder for the cleaned files."
)
@click.option("--overwrite", is_flag=True, help="Write into a folder that is not empty.")
@click.option("--safe-only", is_flag=True, help="Mend what can be mended without loss; remove nothing.")
@click.option("--unsafe-fixes", is_flag=True, help="Also near duplicates, redaction, conflicting answers, reworded leaks.")
@click.option("--keep", type=click.Choice(["first", "longest"]), default="first", show_default=True, help="Which of several copies stays.")
@click.option("--diff", is_flag=True, help="Show what would change; write nothing. Exits 1 when something would.")
@click.option("--interactive", is_flag=True, help="Ask about one kind of finding at a time.")
@input_options
@rule_options
@gate_options
@run_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Write mended copies of data files; keep what was removed, with the reason.

    Removes records with an error that cannot be mended, exact duplicates after the first, and the train records that
    give eval records away (never an eval record). DIR gets every input under its own name, removed.jsonl and
    manifest.json. The inputs are not touched.
    """
    if options["safe_only"] and options["unsafe_fixes"]:
        raise click.UsageError("--safe-only and --unsafe-fixes exclude each other")
    if options["interactive"] and (options["safe_only"] or options["unsafe_fixes"] or options["diff"]):
        raise click.UsageError("--interactive asks about every kind; it goes with none of --safe-only, --unsafe-fixes and --diff")
    mode: Mode = "safe-only" if options["safe_only"] else "unsafe" if options["unsafe_fixes"] else "default"
    given = invocation(options)
    if options["diff"]:
        return show_diff(given, mode, options["keep"])
    if options["interactive"]:
        return _interactive(context, given, options)
    return _clean(given, options, mode)


def _clean(given: Invocation, options: dict[str, Any], mode: Mode, ignored: tuple[str, ...] = ()) -> int:
    from tunelint.fixes import clean

    settings = replace(given.settings, ignore=(*given.settings.ignore, *ignored))
    with Progress("cleaning") as progress:
        result = clean(
            given.inputs, Path(options["output"]), settings, mode=mode, keep=options["keep"], overwrite=options["overwrite"], progress=progress
        )
    say_clean(result, given.quiet)
    if ignored:  # what was declined is still wrong
        from tunelint.api import lint_inputs

        return exitcodes.OK if result.ok and lint_inputs(result.outputs, given.settings).ok else exitcodes.FINDINGS
    return exitcodes.OK if result.ok else exitcodes.FINDINGS


def _interactive(context: click.Context, given: Invocation, options: dict[str, Any]) -> int:
    """Offer one kind of finding at a time, clean by the answers, end with the commands that do the same and go on."""
    from tunelint.api import lint_inputs
    from tunelint.fixes.kinds import kinds_of, settle
    from tunelint.report.text import place, plural, visible

    with Progress("checking") as progress:
        report = lint_inputs(given.inputs, given.settings, progress=progress)
    kinds = kinds_of(report)
    if not kinds:
        say("nothing to clean")
        return exitcodes.OK
    accepted = set()
    for number, kind in enumerate(kinds, 1):
        say(f"[{number}/{len(kinds)}] {kind.example.code} {kind.rule}: {plural(kind.findings, 'finding')}")
        say(f"  {place(kind.example)}: {visible(kind.example.message)}")
        doing = [f"mend {plural(kind.edited, 'place')}" if kind.edited else "", f"remove {plural(kind.removed, 'record')}" if kind.removed else ""]
        if click.confirm(f"  {' and '.join(part for part in doing if part)}?", default=kind.mode != "unsafe"):
            accepted.add(kind.rule)
    mode, declined = settle(report, kinds, accepted)
    code = _clean(given, options, mode, declined)
    say(f"the same without questions: {_command(context, mode, (*options['ignore'], *declined))}")
    say(f"next: tunelint train {shlex.quote(options['output'])}")
    return code


def _command(context: click.Context, mode: Mode, ignored: tuple[str, ...]) -> str:
    """Return the command line that does what the answers did."""
    words = ["tunelint", "clean", *context.params["paths"]]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not isinstance(parameter, click.Option) or not given or name in ("interactive", "ignore"):
            continue
        value = context.params[name]
        for item in value if isinstance(value, tuple) else (value,):
            words += [parameter.opts[-1]] if parameter.is_flag else [parameter.opts[-1], str(item)]
    if mode == "unsafe":
        words.append("--unsafe-fixes")
    if ignored:
        words += ["--ignore", ",".join(ignored)]
    return shlex.join(words)


def say_clean(result: Any, quiet: int = 0, folder: Path | None = None) -> None:
    """Print what was kept, mended and removed. `folder` is where the cleaned files will lie, when they are still moved."""
    from tunelint.report.text import plural, visible

    home = result.folder if folder is None else folder
    for before, after in zip(result.before.files, result.after.files, strict=True):
        gone = before.records + before.faulty_lines - after.records - after.faulty_lines
        target = home / Path(after.path).relative_to(result.folder)
        say(f"{visible(before.path)} -> {visible(str(target))}: {plural(after.records, 'record')} kept, {gone:,} removed")
    tell_unread(result.unread)
    if quiet:
        return
    removed = sum(result.removed.values())
    if removed:
        by_rule = ", ".join(f"{rule} {count:,}" for rule, count in result.removed.most_common())
        tell(f"removed {removed:,}: {by_rule} (each with its reason in {home / 'removed.jsonl'})")
    if result.mended:
        tell(f"mended {plural(result.mended, 'record')}")
    left = result.after
    tell(f"left: {plural(left.errors, 'error')}, {plural(left.warnings, 'warning')} (tunelint lint {home})")
