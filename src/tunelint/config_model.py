"""What a config file may hold, as a pydantic model: the one place for its keys, their types and their help.

Imported only when there is a config file to read (or its JSON Schema to write): a lint without one should not pay for it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class ConfigFile(BaseModel):
    """Settings of tunelint: `tunelint.toml`, or `[tool.tunelint]` in pyproject.toml. The command line beats them."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=_kebab, title="tunelint")

    train: list[str] | None = Field(None, description="globs of the training files")
    eval: list[str] | None = Field(None, description="globs of the evaluation files")
    target: str | None = Field(None, description="the service or trainer that the data is for")
    tokenizer: str | None = Field(None, description="a model, an encoding, or a tokenizer folder to count tokens with")
    select: list[str] | None = Field(None, description="rules to run, instead of the pack's")
    ignore: list[str] | None = Field(None, description="rules not to run")
    extend_select: list[str] | None = Field(None, description="rules to run beside the pack's")
    pack: Literal["min", "recommended", "strict"] | None = Field(None, description="the set of rules")
    fail_on: Literal["error", "warning", "note", "never"] | None = Field(
        None, description="the lowest severity that fails the command"
    )
    cache_dir: str | None = Field(None, description="folder that keeps what is found out about rows between runs")
    jobs: int | None = Field(None, ge=0, description="worker processes (0: by the amount of data)")
    baseline: str | None = Field(None, description="file of accepted findings")
    rules_dirs: list[str] | None = Field(None, description="folders with your own rule pages")
    ignore_fields: list[str] | None = Field(None, description="top-level keys left out when records are compared")
    in_record_key: str | None = Field(None, description="key under which a record may name rules that it is exempt from")
    per_file_ignores: dict[str, list[str]] | None = Field(None, description="glob = rules not reported in those files")
    rules: dict[str, dict[str, Any]] | None = Field(None, description="one table per rule: its severity and its options")


KEYS: dict[str, str] = {field.alias or name: field.description or "" for name, field in ConfigFile.model_fields.items()}
