"""The README tells of the files that are there."""

import runpy


def test_the_list_of_files_has_every_file_with_its_phrase(pytestconfig):
    script = runpy.run_path(str(pytestconfig.rootpath / "docs" / "file_tree.py"))
    readme = (pytestconfig.rootpath / "docs/reference/files.md").read_text()
    assert script["update"](readme) == readme, (
        "run: python docs/file_tree.py --update docs/reference/files.md"
    )


def test_every_file_that_the_readme_shows_exists(pytestconfig):
    readme = (pytestconfig.rootpath / "README.md").read_text()
    for path in ("docs/images/demo.png", "docs/measurements/default_model.md"):
        assert path in readme
        assert (pytestconfig.rootpath / path).is_file()
