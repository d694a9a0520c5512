"""The command line: click only, one file per command, no logic."""
