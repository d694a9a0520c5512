"""Writes the sample sets: small, real-looking, with planted defects; the same bytes every time.

python sample_data/generate.py             write the data
python sample_data/generate.py --expected  write it, lint and clean it, and rewrite EXPECTED.md (needs tunelint installed)
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from samplegen import expected, medical_set, support_set, tools_set  # noqa: E402
from samplegen.planting import DataSet  # noqa: E402

SEED = 20


def build() -> list[DataSet]:
    """Return the three sets."""
    return [support_set.build(SEED), medical_set.build(SEED), tools_set.build(SEED)]


def write(folder: Path) -> None:
    """Write train.jsonl and eval.jsonl of every set below a folder."""
    for made in build():
        (folder / made.name).mkdir(parents=True, exist_ok=True)
        for split in ("train", "eval"):
            (folder / made.name / f"{split}.jsonl").write_bytes(made.file_bytes(split))


def main(arguments: list[str]) -> int:
    """Do what the command line says; 1 when tunelint finds something else than what was planted."""
    if arguments not in ([], ["--expected"]):
        print(__doc__, file=sys.stderr)
        return 2
    write(HERE)
    if not arguments:
        return 0
    sets = build()
    measured = expected.measure(HERE, [made.name for made in sets])
    (HERE / "EXPECTED.md").write_text(expected.render(sets, measured), encoding="utf-8", newline="\n")
    differences = [line for made in sets for line in expected.differences(made, measured[made.name]["findings"])]
    print("\n".join(differences) or "found: all that was planted, and nothing else")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
