"""docs/reference/reliability.md promises tests; each of them is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = (HERE.parents[1] / "docs" / "reference" / "reliability.md").read_text()


def test_every_test_that_the_table_names_exists():
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", TABLE)
    assert len(named) > 30
    texts = {path.name: path.read_text() for path in HERE.parent.rglob("test_*.py")}
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in texts.get(file, "")
    ]
    assert not missing
