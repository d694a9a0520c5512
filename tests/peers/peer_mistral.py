"""The verdicts of mistral-common's validators in fine-tuning mode, for each tokenizer version, on chat rows.

Job on stdin, verdicts on stdout: per row the error of each version that refuses it. Messages are made as mistral-finetune
makes them (`finetune/data/tokenize.py`): the assistant's as FinetuningAssistantMessage with its weight.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

from mistral_common.protocol.instruct.messages import AssistantMessage, FinetuningAssistantMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode, get_validator
from mistral_common.tokens.tokenizers.base import TokenizerVersion

VERSIONS = ("v3", "v7", "v11", "v13", "v15")


def verdict(row: dict[str, Any], version: str) -> str | None:
    """Return why a version refuses a row, None if it does not."""
    try:
        request: Any = ChatCompletionRequest.from_openai(row["messages"], row.get("tools"))
        for index, message in enumerate(request.messages):
            if isinstance(message, AssistantMessage):
                weight = row["messages"][index].get("weight")
                request.messages[index] = FinetuningAssistantMessage(**{**dict(message), "weight": weight})
        get_validator(TokenizerVersion(version), ValidationMode.finetuning).validate_request(request)
    except Exception as error:  # their exceptions have no common base: pydantic's, ValueError, KeyError, MistralCommonException
        return f"{type(error).__name__}: {error}"
    return None


def main() -> None:
    """Answer the job."""
    verdicts: dict[str, str | None] = {}
    for name, rows in json.load(sys.stdin)["rows"].items():
        row = json.loads(base64.b64decode(rows))
        errors = {version: verdict(row, version) for version in VERSIONS}
        refusing = [version for version, error in errors.items() if error]
        verdicts[name] = f"{' '.join(refusing)}: {errors[refusing[0]]}" if refusing else None
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
