"""`compare`: the three ways to an answer on the same rows, measured and set side by side, as one JSON object."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunelint import __version__
from tunelint.checks.privacy.masking import mask
from tunelint.comparing.cases import Case, cases_of, draw
from tunelint.comparing.paired import Difference, mean_difference, rate_difference
from tunelint.comparing.scores import SIMILARITY, Score, score
from tunelint.comparing.shots import HOW, choose_shots, with_shots
from tunelint.comparing.verdict import decide
from tunelint.errors import TunelintError
from tunelint.train import TINY, RunFolder

ARMS = ("base", "few_shot", "tuned")
MOST_TOKENS = 512
SAMPLES = 5
TOLD_EVERY = 25
UNTRAINED = "the base model tiny is untrained: here the comparison only shows its form"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Question:
    """What a comparison is asked to do.

    `shots` is the most examples per prompt, `how` they are chosen ("nearest" or "random"), `limit` the most rows that are
    answered (0: all; the loss is measured on every row), `most_tokens` the longest answer (None: a little more than the
    longest wanted one, at most MOST_TOKENS).
    """

    shots: int = 4
    how: str = "nearest"
    limit: int = 50
    seed: int = 0
    most_tokens: int | None = None
    step: int | None = None
    device: str | None = None


@dataclass
class Measured:
    """What came of the comparison, per case: losses, answers and examples used, each by arm; `wanted` as it was scored."""

    cases: Sequence[Case]
    asked: list[int]
    wanted: list[str]
    losses: dict[str, list[float | None]]
    tokens: list[int]
    answers: dict[str, dict[int, str]]
    used: list[int]
    facts: dict[str, Any]


def compare_here(folder: RunFolder, question: Question, tell: Tell) -> dict[str, Any]:
    """Compare the models of a local run on this machine. Raises TunelintError; `tell` hears what is being done."""
    from tunelint.comparing.local import answers, losses, prepare, wanted_text
    from tunelint.train.hardware import choose_device, set_threads
    from tunelint.train.libraries import require_packages
    from tunelint.train.models import SMALL_MODEL, context_of
    from tunelint.train.result import find_result, forget, load_base, load_result

    require_packages()
    result = find_result(folder, question.step)
    cases, plan = _cases(folder), folder.plan()
    device = question.device or choose_device(plan)
    tell("base model")
    model, tokenizer = load_base(folder, device)
    set_threads(plan, device, small=model.num_parameters() < SMALL_MODEL)
    asked = draw(cases, question.limit, question.seed)
    wanted = [wanted_text(tokenizer, case) for case in cases]
    context = context_of(model, tokenizer)
    most = question.most_tokens or _room([len(tokenizer(text)["input_ids"]) for text in (wanted[place] for place in asked)], context)
    shots = choose_shots(cases, plan.train, question.shots, question.how, question.seed)
    prompts = prepare(cases, shots, folder.path / "tokenizer", folder.read()["settings"]["max_length"], context, most)
    fitting = [place for place in asked if len(prompts.plain[place].input_ids) + most <= context]
    shown = [place for place in fitting if prompts.used[place]]
    pad = tokenizer.pad_token_id

    def said(model: Any, places: list[int], with_examples: bool) -> dict[int, str]:
        rows = [prompts.records[place] or cases[place].record if with_examples else cases[place].record for place in places]
        turns = [row.messages[: _last_answer(row.messages)] for row in rows]
        return dict(zip(places, answers(model, tokenizer, turns, [row.tools for row in rows], most), strict=True))

    measured = {"base": losses(model, prompts.plain, pad, device), "few_shot": losses(model, prompts.shown, pad, device)}
    made = {"base": said(model, fitting, False)}
    if shown:
        tell("base model with examples")
        made["few_shot"] = said(model, shown, True)
    forget(model)
    del model
    tell("tuned model")
    tuned, _ = load_result(folder, result, device)
    measured["tuned"] = losses(tuned, prompts.plain, pad, device)
    made["tuned"] = said(tuned, fitting, False)
    facts = {
        "where": "local",
        "base": plan.model,
        "tuned": str(result.path),
        "step": result.step,
        "most_tokens": most,
        "left_out": len(asked) - len(fitting),
    }
    tokens = [row.trained for row in prompts.plain]
    return _report(folder, question, Measured(cases, fitting, wanted, measured, tokens, made, list(prompts.used), facts))


def compare_at_endpoint(folder: RunFolder, question: Question, connection: Any, base: str, tuned: str, tell: Tell, ready: Callable[[int], None],
                        allow_secrets: bool = False) -> dict[str, Any]:  # fmt: skip
    """Compare two models of an OpenAI-compatible chat endpoint by their answers.

    `ready` is called with the number of requests before anything is sent, and may raise. Raises TunelintError.
    """
    from tunelint.comparing.endpoint import ask, refuse_secret_rows, request

    cases, plan = _cases(folder), folder.plan()
    asked = draw(cases, question.limit, question.seed)
    shots = choose_shots(cases, plan.train, question.shots, question.how, question.seed)
    most = question.most_tokens or MOST_TOKENS
    shown = [place for place in asked if shots[place]]
    rows = {place: with_shots(cases[place], shots[place]) for place in asked}
    if not allow_secrets:
        refuse_secret_rows(list(rows.values()))
    ready(2 * len(asked) + len(shown))
    made = {}
    for arm, name, places in (("base", base, asked), ("few_shot", base, shown), ("tuned", tuned, asked)):
        tell(f"{arm.replace('_', '-')}: {name}, {len(places):,} rows")
        records = [rows[place] if arm == "few_shot" else cases[place].record for place in places]
        bodies = [request(name, row.messages[: _last_answer(row.messages)], row.tools, most, question.seed) for row in records]
        made[arm] = dict(
            zip(places, ask(connection, bodies, lambda done, total: tell(f"{done:,} of {total:,}") if done % TOLD_EVERY == 0 else None), strict=True)
        )
    facts = {"where": connection.base_url, "base": base, "tuned": tuned, "step": None, "most_tokens": most, "left_out": 0}
    used = [len(examples) for examples in shots]
    return _report(folder, question, Measured(cases, asked, [case.wanted for case in cases], {}, [], made, used, facts))


def _cases(folder: RunFolder) -> list[Case]:
    cases = cases_of(folder)
    if not cases:
        raise TunelintError(f"The run {folder.id} has no eval rows to compare on; train with an eval split.")
    return cases


def _last_answer(messages: Sequence[Any]) -> int:
    return max(place for place, turn in enumerate(messages) if turn.role == "assistant")


def _room(lengths: list[int], context: int) -> int:
    """Return how many tokens an answer may have: a quarter more than the longest wanted one, and no more than half the context."""
    return max(1, min(MOST_TOKENS, context // 2, max(lengths, default=0) * 5 // 4 + 16))


def _report(folder: RunFolder, question: Question, measured: Measured) -> dict[str, Any]:
    scores = {
        arm: {place: score(measured.cases[place], text, measured.wanted[place]) for place, text in made.items()}
        for arm, made in measured.answers.items()
    }
    over_base, over_few_shot = (_differences(measured, scores, arm) for arm in ("base", "few_shot"))
    verdict, says = decide(over_few_shot, over_base)
    used = [measured.used[place] for place in measured.answers.get("few_shot", {})]
    return {
        "version": 1, "tool": {"name": "tunelint", "version": __version__}, "run": folder.id, **measured.facts,
        "verdict": verdict, "says": says, "note": UNTRAINED if measured.facts["base"] == TINY else None,
        "seed": question.seed, "eval_rows": len(measured.cases), "answered_rows": len(measured.asked),
        "schemas": sum(measured.cases[place].schema is not None for place in measured.asked),
        "shots": {"most": question.shots, "how": HOW[question.how], "mean_used": sum(used) / len(used) if used else 0.0, "rows": len(used)},
        "similarity": SIMILARITY,
        "arms": {arm: _arm(measured, scores, arm) for arm in ARMS if arm in measured.answers},
        "differences": {
            "tuned_minus_base": _json(over_base), **({"tuned_minus_few_shot": _json(over_few_shot)} if over_few_shot else {}),
        },
        "samples": sorted(random.Random(question.seed).sample(measured.asked, min(SAMPLES, len(measured.asked)))),
        "rows": [_row(measured, scores, place) for place in range(len(measured.cases))],
    }  # fmt: skip


def _differences(measured: Measured, scores: dict[str, dict[int, Score]], other: str) -> dict[str, Difference | None]:
    if not measured.answers.get(other) and not any(loss is not None for loss in measured.losses.get(other, [])):
        return {}
    found: dict[str, Difference | None] = {}
    if measured.losses:
        found["loss"] = mean_difference(measured.losses["tuned"], measured.losses[other], measured.tokens, lower_is_better=True)
    tuned, others = scores["tuned"], scores.get(other, {})
    both = [place for place in measured.asked if place in tuned and place in others]
    found["exact_match"] = rate_difference([tuned[place].exact for place in both], [others[place].exact for place in both])
    found["valid_json"] = rate_difference([tuned[place].valid for place in both], [others[place].valid for place in both])
    found["similarity"] = mean_difference([tuned[place].similarity for place in both], [others[place].similarity for place in both])
    return found


def _json(differences: dict[str, Difference | None]) -> dict[str, Any]:
    return {name: None if item is None else item.to_json() for name, item in differences.items()}


def _arm(measured: Measured, scores: dict[str, dict[int, Score]], arm: str) -> dict[str, Any]:
    found = list(scores[arm].values())
    weighted = [(loss, tokens) for loss, tokens in zip(measured.losses.get(arm, []), measured.tokens, strict=False) if loss is not None]
    trained = sum(tokens for _, tokens in weighted)
    return {
        "loss": sum(loss * tokens for loss, tokens in weighted) / trained if trained else None, "loss_rows": len(weighted),
        "exact_match": _mean([item.exact for item in found]), "valid_json": _mean([item.valid for item in found]),
        "json_rows": sum(item.valid is not None for item in found), "similarity": _mean([item.similarity for item in found]), "rows": len(found),
    }  # fmt: skip


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _row(measured: Measured, scores: dict[str, dict[int, Score]], place: int) -> dict[str, Any]:
    """Return one eval row; texts are masked, as everywhere, after they were scored."""
    case = measured.cases[place]
    arms = {}
    for arm in ARMS:
        loss = measured.losses[arm][place] if arm in measured.losses else None
        found = scores.get(arm, {}).get(place)
        if found is None and loss is None:
            continue
        arms[arm] = {
            "loss": loss, "answer": mask(measured.answers[arm][place]) if found else None, "exact": found.exact if found else None,
            "valid": found.valid if found else None, "similarity": found.similarity if found else None,
        }  # fmt: skip
    asked = next((turn.text for turn in reversed(case.prompt) if turn.role not in ("system", "developer")), "")
    tokens = measured.tokens[place] if measured.tokens else None
    return {
        "record": case.record.digest, "asked": mask(asked), "wanted": mask(measured.wanted[place]), "tokens": tokens,
        "shots": measured.used[place], "arms": arms,
    }  # fmt: skip
