"""`tunelint test-rules`."""

from __future__ import annotations

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say, tell


@click.command("test-rules")
@click.argument("folder", type=click.Path(exists=True, file_okay=False), required=False)
@click.option("-q", "--quiet", is_flag=True, help="Print only what failed.")
def command(folder: str | None, quiet: bool) -> int:
    """Run the cases of the rule pages below FOLDER (default: the shipped pages). Exit 1 when one fails."""
    from tunelint.rulebook import shipped_rules
    from tunelint.testing import check_rule_folder

    passed = failed = 0
    for outcome in check_rule_folder(folder or shipped_rules()):
        if outcome.problem:
            failed += 1
            say(f"FAIL  {outcome.rule}: {outcome.case}: {outcome.problem}")
        else:
            passed += 1
            if not quiet:
                say(f"ok    {outcome.rule}: {outcome.case}")
    tell(f"{passed} cases passed, {failed} failed")
    if not passed and not failed:
        from tunelint.errors import TunelintError

        raise TunelintError(f"no rule page below {folder}")
    return exitcodes.FINDINGS if failed else exitcodes.OK
