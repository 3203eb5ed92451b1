"""Contrast of the operator's page and of reports by WCAG 2.2 AA: 4.5 of text, 3 of shapes."""

import re
from pathlib import Path

import pytest

from evf_sam_ros.pictures.document import STYLE
from evf_sam_ros.ros.web import page_node

CSS = (Path(page_node.__file__).parent / "page" / "style.css").read_text()
TEXT, SHAPE = 4.5, 3.0
BLACK, WHITE = (0, 0, 0, 1.0), (255, 255, 255, 1.0)


def rules_of(css):
    """Return (selector, declarations) of each rule, those within @media as well."""
    found = re.findall(r"([^{}]+)\{([^{}]*)\}", css)
    return [(selector.strip().split(";")[-1].strip(), declared(body)) for selector, body in found]


def declared(body):
    """Return the declarations of a rule; of several with one name the last counts."""
    parts = [each.partition(":") for each in body.split(";") if ":" in each]
    return {name.strip(): value.strip() for name, _, value in parts}


def rgba(text):
    """Read #rgb, #rgba, #rrggbb or #rrggbbaa."""
    digits = text.lstrip("#")
    if len(digits) <= 4:
        digits = "".join(2 * each for each in digits)
    red, green, blue, alpha = (int((digits + "ff")[i : i + 2], 16) for i in (0, 2, 4, 6))
    return red, green, blue, alpha / 255


def over(top, bottom, opacity=1.0):
    """Return a colour as it looks over another that is opaque."""
    share = top[3] * opacity
    return (*(share * a + (1 - share) * b for a, b in zip(top[:3], bottom[:3], strict=True)), 1.0)


def luminance(color):
    def linear(value):
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(each / 255) for each in color[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


class Sheet:
    """The rules of a style sheet in one theme, and its variables."""

    def __init__(self, css, theme=0):
        self.rules = rules_of(css)
        roots = [body for selector, body in self.rules if selector.endswith(":root")]
        chosen = {**roots[0], **roots[theme]}
        given = [each for _, body in self.rules for each in body.items() if each[0][:2] == "--"]
        # What the theme sets has one value; a tone has that of each rule that sets it.
        self.variables = {
            name: [chosen[name]]
            if name in chosen and name != "--tone"
            else [value for other, value in given if other == name]
            for name, _ in given
        }

    def colors(self, value):
        """Return every colour that a value may stand for."""
        names = re.findall(r"var\((--[\w-]+)\)", value)
        found = [c for name in names for each in self.variables[name] for c in self.colors(each)]
        return found + [rgba(each) for each in re.findall(r"#[0-9a-f]{3,8}\b", value)]

    def pairs(self, grounds, ink):
        """Return (selector, text colour, ground) of all rules that set either of them."""
        for selector, body in self.rules:
            if not {"color", "background"} & body.keys():
                continue
            below = self.colors(body.get("background", "")) or grounds
            for text in self.colors(body.get("color", "")) or ink:
                for ground in below:
                    for behind in grounds if ground[3] == 1 else (BLACK, WHITE):
                        yield selector, text, over(ground, behind)


PAGE = Sheet(CSS)
GROUNDS = [*PAGE.colors("var(--ground)"), *PAGE.colors("var(--card)"), BLACK]
INK = PAGE.colors("var(--text)")
NO_TEXT = (".meter", ".meter i", ".stages", ".stages i", ".legend li::before", "#cloud")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000", "#fff", 21.0), ("#fff", "#ffffff", 1.0), ("#777", "#fff", 4.48)],
)
def test_the_ratio_is_that_of_the_standard(one, other, expected):
    assert ratio(rgba(one), rgba(other)) == pytest.approx(expected, abs=0.005)


def test_text_of_the_page_stands_out_from_whatever_it_lies_on():
    pairs = [each for each in PAGE.pairs(GROUNDS, INK) if each[0] not in NO_TEXT]
    assert len(pairs) > 40
    weak = {each[0]: round(ratio(*each[1:]), 2) for each in pairs if ratio(*each[1:]) < TEXT}
    assert weak == {}


def test_what_is_old_is_paler_and_still_readable():
    colors = [*INK, *PAGE.colors("var(--quiet)"), *PAGE.colors("var(--tone)")]
    [card] = PAGE.colors("var(--card)")
    faded = [
        float(body["opacity"])
        for selector, body in PAGE.rules
        if "opacity" in body and ":disabled" not in selector  # which the standard excepts
    ]
    assert faded
    for opacity in faded:
        assert opacity < 1
        assert all(ratio(over(each, card, opacity), card) >= TEXT for each in colors)


@pytest.mark.parametrize("selector", ["input, button"])
def test_the_border_of_what_can_be_used_stands_out(selector):
    [border] = [
        color
        for name, body in PAGE.rules
        if name == selector and "border" in body
        for color in PAGE.colors(body["border"])
    ]
    assert all(ratio(border, ground) >= SHAPE for ground in GROUNDS)


def test_the_parts_of_a_bar_stand_out_from_it():
    [track] = PAGE.colors("var(--line)")
    swatches = [c for _, body in PAGE.rules for c in PAGE.colors(body.get("--swatch", ""))]
    assert len(swatches) == 5
    assert all(ratio(each, track) >= SHAPE for each in [*swatches, *PAGE.colors("var(--tone)")])


def test_the_focus_and_the_curve_stand_out():
    [accent] = PAGE.colors("var(--accent)")
    assert all(ratio(accent, ground) >= SHAPE for ground in GROUNDS)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_of_a_report_stands_out_in_both_themes(theme):
    sheet = Sheet(STYLE, theme)
    paper, ink = sheet.colors("var(--paper)"), sheet.colors("var(--ink)")
    pairs = list(sheet.pairs(paper, ink))
    assert len(pairs) >= 5
    weak = {each[0]: round(ratio(*each[1:]), 2) for each in pairs if ratio(*each[1:]) < TEXT}
    assert weak == {}
    assert ratio(*sheet.colors("var(--bar)"), *paper) >= SHAPE
