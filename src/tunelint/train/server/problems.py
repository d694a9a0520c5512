"""Refusals in the form that OpenAI's clients understand: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """A request that is refused: HTTP status, a sentence, the parameter at fault and a code for programs."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def missing(kind: str, name: str) -> Problem:
    """The refusal for something that does not exist."""
    return Problem(404, f"There is no {kind} {name!r}.", code="not_found")
