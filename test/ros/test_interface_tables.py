"""The README lists exactly what the node declares."""

import pytest

from evf_sam_ros.ros.interface_table import TABLES, between_markers


@pytest.mark.parametrize("name", TABLES)
def test_the_readme_lists_what_the_node_declares(name, pytestconfig):
    readme = (pytestconfig.rootpath / "docs/reference/node.md").read_text()
    assert between_markers(readme, name) == TABLES[name](), (
        "run: python -m evf_sam_ros.ros.interface_table --update docs/reference/node.md"
    )
