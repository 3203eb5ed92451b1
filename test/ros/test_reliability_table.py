"""docs/reliability.md promises tests; each of them is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = (HERE.parents[1] / "docs" / "reliability.md").read_text()


def test_every_test_that_the_table_names_exists():
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", TABLE)
    assert len(named) > 30
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (HERE / file).read_text()
    ]
    assert not missing
