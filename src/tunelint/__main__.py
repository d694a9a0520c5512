"""`python -m tunelint`."""

from tunelint.cli.main import entry

entry()
