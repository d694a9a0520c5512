"""`tunelint split`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import invocation, listed, paths_argument, run_options
from tunelint.cli.output import say, tell, tell_unread


@click.command("split")
@paths_argument
@click.option("-o", "--output", required=True, type=click.Path(), metavar="DIR", help="Folder for train.jsonl and eval.jsonl.")
@click.option(
    "--eval-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1, show_default=True, metavar="SHARE",
    help="Share of the records for eval.",
)
@click.option("--eval-records", type=click.IntRange(min=1), metavar="N", help="Number of eval records instead of a share.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Another seed, another draw.")
@click.option(
    "--stratify-by", default="auto", show_default=True, metavar="KEY",
    help="Label whose shares both splits keep; a.b for a nested key, auto, none.",
)
@click.option(
    "--group-by", multiple=True, default=("auto",), show_default=True, metavar="KEYS",
    help="Ids whose records stay together; a.b for nested keys, auto, none.",
)
@click.option("--overwrite", is_flag=True, help="Write into a folder that is not empty.")
@run_options
def command(**options: Any) -> int:
    """Divide data into train and eval so that nothing in train gives eval away.

    Copies, equal prompts, near copies, passages in common and records with one conversation, document or user id stay on
    one side. Records are not changed. At the end the linter's leakage rules prove it on the written files.

    \b
    tunelint split data.jsonl -o split
    tunelint split data/ -o split --eval-records 500 --group-by metadata.doc_id --stratify-by label
    """
    from tunelint.report.text import plural, visible
    from tunelint.splitting import split_files

    given = invocation(options)
    folder = Path(options["output"])
    result = split_files(
        given.inputs, folder, given.settings, share=options["eval_share"], records=options["eval_records"], seed=options["seed"],
        group_by=listed(*options["group_by"]), stratify_by=options["stratify_by"], overwrite=options["overwrite"],
    )  # fmt: skip
    total = result.train + result.eval
    say(f"{visible(str(folder / 'train.jsonl'))}: {plural(result.train, 'record')}")
    say(f"{visible(str(folder / 'eval.jsonl'))}: {plural(result.eval, 'record')} ({result.eval / total:.1%})")
    say(f"proof (tunelint lint {visible(str(folder))}): {', '.join(f'{name} {count:,}' for name, count in result.findings.items())}")
    if not result.leak_proof:
        tell(f"not leak-proof: findings are left after {result.rounds} rounds")
    if not result.near_enough:
        most = plural(result.largest, "record")
        tell(f"eval has {result.eval:,} records, not {result.wanted:,}: no choice of whole clusters comes nearer (the largest has {most})")
    tell_unread(result.unread)
    if not given.quiet:
        pooled = [item.path for item in given.inputs if item.split == "eval"]
        if pooled:
            tell(f"divided anew, with the rest: {', '.join(visible(path) for path in pooled)} (eval by name)")
        by = f", stratified by {result.stratified_by}" if result.stratified_by else ""
        ids = f", groups by {', '.join(result.groups)}" if result.groups else ""
        tell(f"{plural(result.clusters, 'cluster')}, the largest of {plural(result.largest, 'record')}{ids}{by}, seed {options['seed']}")
        if result.left_out:
            tell(f"in neither file: {plural(result.left_out, 'line')} without a record (tunelint lint says what is wrong)")
        if result.rewritten:
            tell(f"{plural(result.rewritten, 'record')} ran over several lines and now stand on one")
    return exitcodes.OK if result.leak_proof else exitcodes.FINDINGS
