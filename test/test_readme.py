"""The README tells of the files that are there."""

import runpy


def test_the_readme_lists_every_file_with_its_phrase(pytestconfig):
    script = runpy.run_path(str(pytestconfig.rootpath / "docs" / "file_tree.py"))
    readme = (pytestconfig.rootpath / "README.md").read_text()
    assert script["update"](readme) == readme, "run: python docs/file_tree.py --update README.md"


def test_every_file_that_the_readme_shows_exists(pytestconfig):
    readme = (pytestconfig.rootpath / "README.md").read_text()
    for path in ("docs/images/demo.png", "docs/architecture.md", "docs/default_model.md"):
        assert path in readme
        assert (pytestconfig.rootpath / path).is_file()
