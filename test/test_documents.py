"""README and documents are short enough, complete, and every link in them leads somewhere."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob(".github/**/*.md"),
    ]
)
README_BYTES = 12_288
GUIDE_BYTES = 6_144
WEB = ("http://", "https://", "mailto:")


def prose(text):
    """Return the text without blocks of code, whose brackets do not link."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def links(text):
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(text)))


def anchors(text):
    """Return what GitHub and MkDocs make of the headings."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def dead_links(page):
    """Return the links of a page that name a missing file, or a heading that is not there."""
    dead = []
    for link in links(page.read_text()):
        if link.startswith(WEB):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_resolves(page):
    assert not dead_links(page)


def test_a_missing_file_and_a_missing_heading_are_dead_links(tmp_path):
    (tmp_path / "there.md").write_text("# One heading, `here`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-heading-here) [c](missing.md) [d](there.md#other)\n"
        "`[e](code.md)`\n```\n[f](code.md)\n```\n[g](https://example.org/missing)\n"
    )
    assert dead_links(page) == ["missing.md", "there.md#other"]


def test_the_readme_can_be_read_in_five_minutes():
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


def test_the_guide_to_performance_is_short_and_the_measurements_are_elsewhere():
    assert len((DOCS / "guides" / "performance.md").read_bytes()) <= GUIDE_BYTES


def test_the_readme_links_every_document():
    linked = {
        (ROOT / link.partition("#")[0]).resolve()
        for link in links((ROOT / "README.md").read_text())
    }
    pages = {page for page in DOCS.rglob("*.md") if page.parent != DOCS}
    assert not {str(page.relative_to(ROOT)) for page in pages - linked}


def test_the_first_screen_says_what_the_default_model_knows_and_what_to_load_instead():
    screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:24])
    for word in (
        "simulated",
        "eight shapes",
        "ten\n> colours",
        "UNSUITABLE_IMAGE",
        "evf-sam download",
    ):
        assert word in screen, word


def test_every_goal_that_a_page_or_a_program_names_is_in_the_glossary():
    glossary = (DOCS / "reference" / "glossary.md").read_text()
    defined = set(re.findall(r"^\| (P\d+) \|", glossary, re.MULTILINE))
    texts = [*PAGES, *ROOT.glob("evf_sam_ros/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]
    named = {goal for path in texts for goal in re.findall(r"\bP\d{1,2}\b", path.read_text())}
    assert named <= defined


def test_the_list_of_files_has_every_file_with_its_phrase():
    script = runpy.run_path(str(DOCS / "file_tree.py"))
    page = (DOCS / "reference" / "files.md").read_text()
    assert script["update"](page) == page, (
        "run: python docs/file_tree.py --update docs/reference/files.md"
    )


def test_every_page_of_measurements_names_machine_and_date():
    for page in (DOCS / "measurements").glob("*.md"):
        text = page.read_text()
        assert re.search(r"\b20\d\d-\d\d-\d\d\b", text), page.name
        assert page.name == "open.md" or "**Machine and date.**" in text, page.name


def test_every_status_of_an_answer_has_a_cure_in_troubleshooting():
    guide = (DOCS / "guides" / "troubleshooting.md").read_text()
    message = (ROOT / "msg" / "SegmentationResult.msg").read_text()
    statuses = set(re.findall(r"^uint8 ([A-Z_]+)=", message, re.MULTILINE)) - {"FOUND", "OK"}
    assert len(statuses) > 10
    assert not {status for status in statuses if not re.search(rf"\b{status}\b", guide)}


def test_every_fault_that_the_doctor_finds_is_in_troubleshooting():
    guide = (DOCS / "guides" / "troubleshooting.md").read_text()
    sources = [path.read_text() for path in ROOT.glob("evf_sam_ros/ros/doctor/*.py")]
    fault = re.compile(r'Finding\(\s*"(?:problem|warning)",\s*"([^"]+)"')
    subjects = {subject for source in sources for subject in fault.findall(source)}
    assert len(subjects) > 8
    assert not {subject for subject in subjects if f"[{subject}" not in guide}
