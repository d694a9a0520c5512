"""Which names are evaluation data."""

import pytest

from tunelint.records.splits import split_of_name


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train.jsonl", "train"), ("data.jsonl", "train"), ("test.jsonl", "eval"), ("my-Test_set.jsonl", "eval"),
        ("contest.jsonl", "train"), ("latest.jsonl", "train"), ("devices.jsonl", "train"), ("dev.jsonl", "eval"),
        ("validation/part-1.jsonl", "eval"), ("eval/train.jsonl", "eval"), ("tests/part.jsonl", "train"),
        ("train_eval.jsonl", "eval"), ("held-out.jsonl", "train"), ("heldout.jsonl.gz", "eval"), ("a/val/b/x.jsonl", "train"),
        ("VALID.JSONL", "eval"), ("-", "train"), ("/dev/stdin", "train"), ("/home/dev/x.jsonl", "eval"),
    ],
)  # fmt: skip
def test_split_of_name(path, split):
    assert split_of_name(path)[0] == split
