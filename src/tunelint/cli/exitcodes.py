"""What the process exits with, in every command and format."""

OK = 0
FINDINGS = 1
COULD_NOT_CHECK = 2
INTERRUPTED = 130
