"""`tunelint completion`."""

from __future__ import annotations

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say

_WHERE = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/tunelint.fish"}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_WHERE)))
def command(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    bash: eval "$(tunelint completion bash)"      in ~/.bashrc
    zsh:  eval "$(tunelint completion zsh)"       in ~/.zshrc
    fish: tunelint completion fish > ~/.config/fish/completions/tunelint.fish
    """
    from click.shell_completion import get_completion_class

    from tunelint.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    say(kind(cli, {}, "tunelint", "_TUNELINT_COMPLETE").source())
    return exitcodes.OK
