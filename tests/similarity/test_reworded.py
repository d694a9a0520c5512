"""Reworded leaks: the parts against their definitions, the whole on planted rewordings."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.similarity.columns import Ragged
from tunelint.similarity.cutoff import cut_off, cut_off_beside, survival
from tunelint.similarity.lexical import Comparison, character_grams, nearest, tfidf
from tunelint.similarity.numerals import agreement, numbers
from tunelint.similarity.reworded import reworded
from tunelint.similarity.words import word_hashes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He pays $1,200.50 for two dozen eggs.", ["1200.5", "2", "12"]),
        ("Twice 3.0 is six; one half of it", ["2", "3", "6", "1", "1/2"]),
        ("no figures", []),
        ("x2 and 7up", ["2", "7"]),
    ],
)
def test_numbers_have_one_spelling(text: str, found: list[str]) -> None:
    assert numbers(text) == found


def test_few_numbers_agree_little() -> None:
    assert agreement(["5"], ["5"]) == pytest.approx(1 / 3)
    assert agreement(["5", "7", "7"], ["7", "5", "7"]) == pytest.approx(3 / 5)
    assert agreement(["5", "7"], ["7", "9"]) == pytest.approx(1 / 5)
    assert agreement([], []) == 0


ROWS = st.lists(st.lists(st.integers(0, 15), max_size=8), min_size=1, max_size=20)


@settings(max_examples=80, deadline=None)
@given(ROWS, ROWS, st.integers(1, 6))
def test_nearest_rows_are_those_of_the_dense_product(queries: list[list[int]], targets: list[list[int]], count: int) -> None:
    both = tfidf(Ragged.of(queries + targets), 0.1).toarray()
    dense = both[: len(queries)] @ both[len(queries) :].T
    index, score = nearest(Ragged.of(queries), Ragged.of(targets), count)
    for row in range(len(queries)):
        wanted = np.sort(dense[row][dense[row] > 0])[::-1][:count]
        assert np.allclose(score[row, : len(wanted)], wanted)
        assert np.all(index[row, len(wanted) :] == -1)
        assert np.allclose(dense[row, index[row, : len(wanted)]], wanted)


def test_vectors_have_length_one_and_rare_words_weigh_more() -> None:
    matrix = tfidf(Ragged.of([[1, 2], [1, 3], [1, 4, 4]])).toarray()
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1)
    assert matrix[0, 1] > matrix[0, 0]
    assert matrix[2, 3] > matrix[1, 2]
    assert np.linalg.norm(tfidf(Ragged.of([[1, 2]]), damping=10).toarray()) < 0.2


def test_character_grams_run_across_words_and_ignore_case_and_spacing() -> None:
    grams = character_grams(["Ab  cdE", "ab\ncde", "a", ""])
    assert grams.row(0).tolist() == grams.row(1).tolist()
    assert grams.lengths.tolist() == [4, 4, 1, 1]


def test_the_wording_of_a_text_is_that_of_itself() -> None:
    texts = ["The farmer sells 12 eggs.", "the farmer sells 12 eggs", "A plane flies far."]
    compare = Comparison(texts)
    wording = compare.wording(np.array([0, 0, 0]), np.array([0, 1, 2]))
    assert wording[0] == pytest.approx(1)
    assert 0.8 < wording[1] <= 1
    assert wording[2] < 0.2


def margins(random_: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Margins over the next five of the largest and of the second of 2,000 values by chance."""
    values = np.sort(random_.exponential(0.1, size=(rows, 2000)), axis=1)[:, ::-1]
    return values[:, 0] - values[:, 1:6].mean(axis=1), values[:, 1] - values[:, 2:7].mean(axis=1)


@pytest.mark.parametrize("leaks", [30, 100, 300])
def test_the_cut_off_keeps_to_its_rate(leaks: int) -> None:
    shares, found = [], []
    for seed in range(10):
        random_ = np.random.default_rng(seed)
        score, runner_up = margins(random_, 600)
        runner_up[:leaks] = score[:leaks]  # chance's best comes second where there is a leak
        score[:leaks] = random_.normal(1.2, 0.15, leaks)
        reported = score >= cut_off(score, runner_up, 0.07)
        shares.append(reported[leaks:].sum() / reported.sum())
        found.append(reported[:leaks].mean())
    assert np.mean(shares) < 0.1
    assert np.mean(found) > 0.95


def test_without_leaks_the_cut_off_reports_next_to_nothing() -> None:
    reported = 0
    for seed in range(10):
        score, runner_up = margins(np.random.default_rng(seed), 600)
        reported += int((score >= cut_off(score, runner_up, 0.07)).sum())
    assert reported <= 12  # two in a thousand


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 3), min_size=1, max_size=40), st.lists(st.floats(-1, 3), min_size=1, max_size=40))
def test_survival_never_rises(sample: list[float], at: list[float]) -> None:
    values = survival(np.array(sample), np.sort(np.array(at)))
    assert np.all(np.diff(values) <= 1e-9)
    assert np.all((values >= 0) & (values <= 1))


VOCABULARY = ["".join(random.Random(i).choices("bdfgklmnprst", k=3)) + random.Random(i).choice("aeiou") for i in range(3000)]


def story(chance: random.Random) -> list[str]:
    """A text of thirty words, the frequent ones first in the vocabulary, with four numbers among them."""
    words = [VOCABULARY[min(int(chance.paretovariate(0.4)), 2999)] for _ in range(30)]
    for place in chance.sample(range(30), 4):
        words[place] = str(chance.randrange(2, 200))
    return words


def other_words(words: list[str], chance: random.Random) -> list[str]:
    """Half of the words replaced, the sentence turned around; the numbers stay."""
    changed = [w if w.isdigit() or chance.random() < 0.5 else chance.choice(VOCABULARY) for w in words]
    return changed[15:] + changed[:15]


def found_in(evals: list[str], train: list[str], asked: list[bool] | None = None) -> dict[int, list[int]]:
    found = reworded(
        word_hashes(evals),
        word_hashes(train),
        lambda rows: [evals[i] for i in rows],
        lambda rows: [train[i] for i in rows],
        asked=None if asked is None else np.array(asked),
    )
    assert all(0 <= score <= 1.0001 for scores in found.scores for score in scores)
    return dict(zip(found.rows, found.partners, strict=True))


@pytest.mark.parametrize("every", [4, 20])
def test_planted_rewordings_are_found(every: int) -> None:
    chance = random.Random(11)
    train = [" ".join(story(chance)) for _ in range(600)]
    evals = [story(chance) for _ in range(200)]
    leaked = {row: len(train) + place for place, row in enumerate(range(0, 200, every))}
    found = found_in([" ".join(words) for words in evals], train + [" ".join(other_words(evals[row], chance)) for row in leaked])
    assert sum(found.get(row, [-1])[0] == partner for row, partner in leaked.items()) >= 0.9 * len(leaked)
    assert len(set(found) - set(leaked)) <= max(2, 0.15 * len(leaked))


@pytest.mark.parametrize("families", [8, 24])
def test_texts_in_several_wordings_do_not_hide_other_leaks(families: int) -> None:
    chance = random.Random(17)
    train, evals = ([story(chance) for _ in range(rows)] for rows in (400, 200))
    told = [" ".join(words) for words in train]
    leaked = {row: len(told) + place for place, row in enumerate(range(0, 100, 5))}
    told += [" ".join(reworded_a_little(evals[row], chance)) for row in leaked]
    asked = [" ".join(words) for words in evals]
    for family in range(families):  # one text of train in three other wordings there, and in a fourth one in eval
        told += [" ".join(reworded_a_little(train[family], chance)) for _ in range(3)]
        asked.append(" ".join(reworded_a_little(train[family], chance)))
    found = found_in(asked, told)
    assert sum(found.get(row, [-1])[0] == partner for row, partner in leaked.items()) >= 0.9 * len(leaked)
    assert sum(row in found for row in range(200, len(asked))) >= 0.8 * families
    assert len(set(found) - set(leaked) - set(range(200, len(asked)))) <= 4


def reworded_a_little(words: list[str], chance: random.Random) -> list[str]:
    """A fifth of the words replaced."""
    return [chance.choice(VOCABULARY) if chance.random() < 0.2 else word for word in words]


def test_a_text_without_a_neighbour_is_no_leak_where_all_others_are() -> None:
    chance = random.Random(23)
    evals = [story(chance) for _ in range(60)]
    train = [" ".join(reworded_a_little(words, chance)) for words in evals for _ in range(2)]
    found = found_in([*(" ".join(words) for words in evals), "ultramarine porcupines juggle quietly"], train)
    assert len(found) >= 57
    assert 60 not in found
    assert all(found.values())


def test_clean_files_stay_silent() -> None:
    chance = random.Random(12)
    assert len(found_in([" ".join(story(chance)) for _ in range(200)], [" ".join(story(chance)) for _ in range(600)])) <= 1


def test_half_the_wording_is_enough_in_a_small_file() -> None:
    train = [" ".join(story(random.Random(seed))) for seed in range(50)]
    train.append("A train travels 360 miles in 3 hours. At the same rate, how many additional hours would it take to go 240 miles?")
    evals = ["A plane travels 12 miles in 3 hours. At the same rate, how many additional hours would it take to go 20 miles?"]
    assert found_in(evals, train) == {0: [50]}


def test_a_text_inside_a_longer_one_is_found_and_a_phrase_is_not() -> None:
    chance = random.Random(19)
    train, evals = ([" ".join(story(chance)) for _ in range(rows)] for rows in (300, 60))
    asked = " ".join(evals[7].split()[:9])
    frames = [" ".join(chance.choice(VOCABULARY) for _ in range(90)) for _ in range(8)]
    phrase = "please think about it step by step before you answer"
    held = [f"{frames[0]} {asked} {frames[1]}", *(f"{frame} {phrase}" for frame in frames[2:])]
    found = found_in([asked, phrase, *evals], train + held)
    assert found[0] == [300]
    assert 1 not in found


def test_prompts_of_one_template_are_not_rewordings_of_each_other() -> None:
    chance = random.Random(13)
    frame = "Sort this note of a customer into one of our five drawers and say nothing else: note{} town{}"
    prompts = [frame.format(chance.randrange(10**6), chance.randrange(10**6)) for _ in range(400)]
    assert found_in(prompts[300:], prompts[:300]) == {}


@pytest.mark.parametrize("rows", [4, 16, 29])
def test_a_rewording_in_a_small_eval_file_is_found(rows: int) -> None:
    found: list[dict[int, list[int]]] = []
    for seed in range(6):
        chance = random.Random(100 + seed)
        train = [" ".join(story(chance)) for _ in range(150)]
        evals = [story(chance) for _ in range(rows)]
        hidden = " ".join(other_words(evals[2], chance))
        found.append(found_in([" ".join(words) for words in evals], [*train, hidden]))
    assert sum(place.get(2) == [150] for place in found) >= 5
    assert sum(len(set(place) - {2}) for place in found) <= 1


def test_clean_small_files_stay_silent() -> None:
    reported = 0
    for seed in range(10):
        chance = random.Random(200 + seed)
        reported += len(found_in([" ".join(story(chance)) for _ in range(16)], [" ".join(story(chance)) for _ in range(150)]))
    assert reported <= 1


def test_the_higher_cut_off_of_a_background_counts() -> None:
    chance = np.random.default_rng(5)
    score = np.append(chance.exponential(0.1, 15), 3.0)
    best, second = chance.exponential(0.1, (2, 200))
    assert cut_off_beside(score, np.stack((best, second)), 0.02) == 3.0
    assert cut_off_beside(score, np.stack((np.append(best, [3.0] * 20), np.append(second, [0.0] * 20))), 0.02) == np.inf


def test_known_leaks_are_left_out_and_leave_no_room_for_chance() -> None:
    chance = random.Random(14)
    evals = [" ".join(story(chance)) for _ in range(150)]
    train = [" ".join(story(chance)) for _ in range(400)]
    known = [row < 100 for row in range(150)]
    assert len(found_in(evals, train + evals[:100], [not leak for leak in known])) <= 1


SLOTS = [
    ("What is the {} of {}?", "capital,currency,population,calling code,time zone", "Peru,Kenya,Norway,Japan,Egypt,Chile,Ghana,Nepal,Spain,Cuba"),
    ("Переведи на медицинский: {} в {}", "боль,зуд,жжение,онемение,отёк,тяжесть", "ухе,пояснице,груди,колене,горле,плече,шее,спине,локте,стопе"),
    ("请简单介绍一下{1}的{0}。", "人口,面积,气候,特产,方言,机场", "北京,上海,广州,深圳,成都,杭州,武汉,西安,南京,天津"),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "what", "where"), SLOTS)
def test_small_sets_of_one_template_stay_silent(frame: str, what: str, where: str) -> None:
    reported = 0
    for seed in range(10):
        prompts = [frame.format(a, b) for a in what.split(",") for b in where.split(",")]
        random.Random(seed).shuffle(prompts)
        reported += len(found_in(prompts[:8], prompts[8:40]))
    assert reported <= 2


def test_nothing_to_compare() -> None:
    assert found_in([], ["a b c d"]) == {}
    assert found_in(["a b c d"], []) == {}
    assert found_in(["..."], ["one two three four"]) == {}
    assert found_in(["one two three four"], ["five six seven eight"]) == {}
