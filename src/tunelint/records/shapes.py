"""Which format a record is in, told from its keys; and the verdict for a whole file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

SHAPES = (
    "openai-chat", "prompt-completion", "instruction", "text", "openai-preference",
    "preference", "kto", "sharegpt", "prompt-only", "gemini", "mixed", "unknown",
)  # fmt: skip

# (question key, answer keys) of single-turn records, in order of preference. Sources: OpenAI legacy completions
# (prompt/completion), GSM8K (question/answer), Dolly (instruction/response), ms-swift (query/response), MATH and NuminaMath (problem/solution).
PROMPT_KEYS = ("prompt", "question", "query", "problem", "input")
ANSWER_KEYS = ("completion", "answer", "response", "output", "solution")
INSTRUCTION_ANSWERS = ("output", "response", "completion", "answer")
CHOSEN_KEYS = (("chosen", "rejected"), ("chosen_messages", "rejected_messages"), ("response_j", "response_k"))
CONVERSATION_KEYS = ("conversations", "conversation")
# Keys that only reinforcement learning rows carry beside their prompt (OpenAI RFT item fields, TRL GRPO columns).
REWARD_KEYS = frozenset(
    {"reference_answer", "ground_truth", "ground_truths", "reward_model", "expected_answer", "expected", "target",
     "solution", "answer", "answers", "label", "labels", "test_cases", "tests", "rubric", "reference"}
)  # fmt: skip
# Keys that name or date a record without being part of it; two records that differ only there are copies.
NAMING_KEYS = (
    "id", "_id", "uid", "uuid", "guid", "idx", "index", "row", "row_id", "record_id", "example_id", "sample_id", "doc_id",
    "conversation_id", "thread_id", "session_id", "metadata", "meta", "source", "dataset", "origin", "url", "split",
    "created", "created_at", "updated", "updated_at", "timestamp", "date", "time", "version", "author", "user_id",
)  # fmt: skip
_PROMPT_ONLY_ROWS = 3


def detect(value: dict[str, Any], expected: str | None = None) -> str:
    """Return the shape of one record. `expected` is the shape of the rest of its file: it decides what a record that
    lacks a key was meant to be (a prompt without completion among pairs is a broken pair, not a prompt-only record)."""
    if "preferred_output" in value or "non_preferred_output" in value:
        return "openai-preference"
    if "rejected_response" in value or any(chosen in value or rejected in value for chosen, rejected in CHOSEN_KEYS):
        return "preference"
    if _is_gemini(value):
        return "preference" if isinstance(value.get("completions"), list) else "gemini"
    if isinstance(value.get("label", value.get("kto_tag")), bool) and _has_kto_body(value):
        return "kto"
    if "messages" in value:
        return _chat(value, expected)
    for key in CONVERSATION_KEYS:
        if key in value:
            return "sharegpt"
    if "instruction" in value or (expected == "instruction" and "output" in value):
        return "instruction"
    single = _single_turn(value, expected)
    if single is not None:
        return single
    if isinstance(value.get("prompt"), list) and _is_conversation(value["prompt"]):
        return "prompt-only"
    if "text" in value or "content" in value or "input_ids" in value:
        return "text"
    if "seed" in value and not any(isinstance(item, str) for item in value.values()):
        return "prompt-only"  # an environment's seed: the prompt is drawn in the rollout (Fireworks RL cookbook)
    return "unknown"


def _is_gemini(value: dict[str, Any]) -> bool:
    """Vertex AI: a list of contents, each with parts."""
    contents = value.get("contents")
    if not isinstance(contents, list) or "messages" in value:
        return False
    return any(isinstance(item, dict) and "parts" in item for item in contents) or "systemInstruction" in value


def _has_kto_body(value: dict[str, Any]) -> bool:
    return "completion" in value or "messages" in value or any(key in value for key in CONVERSATION_KEYS)


def _chat(value: dict[str, Any], expected: str | None) -> str:
    messages = value["messages"]
    if not _is_conversation(messages) or has_assistant(messages):
        return "openai-chat"
    if expected == "prompt-only" or (expected is None and not REWARD_KEYS.isdisjoint(value)):
        return "prompt-only"
    if expected in (None, "prompt-only") or REWARD_KEYS.isdisjoint(value):
        return "openai-chat"
    return "prompt-only"


def _single_turn(value: dict[str, Any], expected: str | None) -> str | None:
    answer = next((key for key in ANSWER_KEYS if key in value), None)
    prompt = next((key for key in PROMPT_KEYS if key in value), None)
    if prompt is not None and answer is not None:
        if prompt == "prompt" and answer == "solution":  # a GRPO column, not a text to learn
            return "prompt-only"
        if prompt != "prompt" and answer in REWARD_KEYS and isinstance(value[answer], int | float) and expected in (None, "prompt-only"):
            return "prompt-only"  # the number of the right choice, or the result that a reward compares
        return "prompt-completion"
    if prompt in ("prompt", "question", "query", "problem"):
        return "prompt-completion" if expected == "prompt-completion" else "prompt-only"
    if answer == "completion" or (answer is not None and expected == "prompt-completion"):
        return "prompt-completion"
    return None


def has_assistant(messages: Any) -> bool:
    """Tell whether a list of messages holds an assistant turn (by either name)."""
    return isinstance(messages, list) and any(
        isinstance(message, dict) and message.get("role", message.get("from")) in ("assistant", "gpt", "model", "Chatbot") for message in messages
    )


def _is_conversation(messages: Any) -> bool:
    return isinstance(messages, list) and bool(messages) and all(isinstance(message, dict) for message in messages)


def expected_shape(values: Iterable[dict[str, Any]]) -> str | None:
    """Return the shape that a file's first records share (more than half of them), None where there is no such shape.

    Chat records without any assistant turn are prompts for reinforcement learning when they have the file to
    themselves (three or more of them); a single one may as well be a conversation that lost its answer.
    """
    rows = list(values)
    counts = Counter(detect(value) for value in rows)
    counts.pop("unknown", None)
    if not counts:
        return None
    chats = [value for value in rows if "messages" in value and _is_conversation(value["messages"])]
    silent = sum(not has_assistant(value["messages"]) for value in chats)
    if len(chats) >= _PROMPT_ONLY_ROWS and silent > 0.9 * len(chats) and len(chats) > len(rows) / 2:
        return "prompt-only"
    shape, count = counts.most_common(1)[0]
    return shape if 2 * count > sum(counts.values()) else None


def file_shape(counts: Sequence[tuple[str, int]]) -> str:
    """Return the verdict for a file from its records' shapes: one shape when it has 9 in 10 of the recognised records."""
    known = [(count, shape) for shape, count in counts if shape != "unknown" and count]
    if not known:
        return "unknown"
    count, shape = max(known)
    return shape if count >= 0.9 * sum(number for number, _ in known) else "mixed"


def near_key(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that `key` is a misspelling of, if any."""
    import difflib

    matches = difflib.get_close_matches(key.lower(), list(known), n=1, cutoff=0.75)
    return matches[0] if matches else None
