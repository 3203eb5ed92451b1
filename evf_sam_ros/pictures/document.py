"""Reports as data: headings, sentences, tables and pictures, written as Markdown and as HTML."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.pictures.photograph import encode_jpeg
from evf_sam_ros.whole_files import write_bytes, write_text

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6675; --line: #d9dee6;
        --paper: #ffffff; --band: #f4f6f9; --ours: #e6f1ff; --bar: #3b82c4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa6b5; --line: #39414d; --paper: #171b21; --band: #20262e;
          --ours: #1d3450; --bar: #5aa2e0; } }
body { font: 15px/1.5 system-ui, "Segoe UI", sans-serif; color: var(--ink);
       background: var(--paper); max-width: 1180px; margin: 2.5em auto; padding: 0 1.2em; }
h1 { font-size: 1.7em; margin-bottom: .2em; }
h2 { font-size: 1.2em; margin: 2.2em 0 .5em; border-bottom: 1px solid var(--line); }
p { max-width: 75ch; }
.note { color: var(--soft); }
.wide { overflow-x: auto; }
pre { background: var(--band); padding: 1em; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6em 0; }
th, td { padding: .22em .8em; text-align: right; border-bottom: 1px solid var(--line); }
th { background: var(--band); font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
tr.ours td { background: var(--ours); font-weight: 600; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr));
           gap: 1em; }
figure { margin: 0; }
figure img { width: 100%; display: block; border-radius: 4px; }
figcaption { color: var(--soft); font-size: .88em; }
svg { max-width: 100%; height: auto; }
svg rect { fill: var(--bar); } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .axis { stroke: var(--line); }
"""


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Text:
    text: str
    note: bool = False  # said more quietly


@dataclass(frozen=True)
class Preformatted:
    """Lines as a terminal shows them."""

    text: str


@dataclass(frozen=True)
class Link:
    text: str
    target: str  # relative


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers as they are shown; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ours: frozenset[int] = frozenset()  # rows to stand out


@dataclass(frozen=True)
class Bars:
    """A bar chart; in Markdown, a table."""

    labels: tuple[str, ...]
    values: tuple[float, ...]
    shown: tuple[str, ...]  # the values as words
    unit: str


@dataclass(frozen=True)
class Picture:
    name: str  # of its file, without ending
    jpeg: bytes
    caption: str

    @classmethod
    def of(cls, name: str, image_rgb: NDArray[np.uint8], caption: str) -> "Picture":
        """Keep (H, W, 3) RGB as a JPEG."""
        return cls(name, encode_jpeg(image_rgb), caption)


@dataclass(frozen=True)
class Gallery:
    pictures: tuple[Picture, ...]


Block = Heading | Text | Preformatted | Link | Table | Bars | Gallery


@dataclass
class Document:
    """One report."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def add(self, *blocks: Block) -> None:
        self.blocks.extend(blocks)

    def write(
        self, folder: Path, *, markdown: str = "report.md", page: str = "index.html"
    ) -> Path:
        """Write Markdown with its pictures beside it, and a page that needs nothing else.

        Returns:
            the page.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for block in self.blocks:
            if isinstance(block, Gallery):
                for picture in block.pictures:
                    write_bytes(folder / "pictures" / f"{picture.name}.jpg", picture.jpeg)
        write_text(folder / markdown, self.markdown())
        write_text(folder / page, self.html())
        return folder / page

    def markdown(self) -> str:
        parts = [f"# {self.title}", *map(_markdown, self.blocks)]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        title = html.escape(self.title)
        return (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n"
            + "\n".join(map(_html, self.blocks))
            + "\n</html>\n"
        )


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"## {block.text}"
        case Text():
            return f"*{block.text}*" if block.note else block.text
        case Preformatted():
            return f"```\n{block.text}\n```"
        case Link():
            return f"[{block.text}]({block.target.replace('index.html', 'report.md')})"
        case Table():
            return _markdown_table(block.columns, block.rows)
        case Bars():
            return _markdown_table(
                ("", block.unit), tuple(zip(block.labels, block.shown, strict=True))
            )
        case Gallery():
            lines = [
                f"![{_cell(picture.caption)}](pictures/{picture.name}.jpg)\n\n{picture.caption}"
                for picture in block.pictures
            ]
            return "\n\n".join(lines) or "None."


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h2>{html.escape(block.text)}</h2>"
        case Text():
            style = ' class="note"' if block.note else ""
            return f"<p{style}>{html.escape(block.text)}</p>"
        case Preformatted():
            return f"<pre>{html.escape(block.text)}</pre>"
        case Link():
            return f'<p><a href="{html.escape(block.target)}">{html.escape(block.text)}</a></p>'
        case Table():
            return _html_table(block)
        case Bars():
            return _svg(block)
        case Gallery():
            body = "\n".join(map(_html_picture, block.pictures))
            return f'<div class="gallery">\n{body}\n</div>' if body else "<p>None.</p>"


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    lines = [f"<tr>{head}</tr>"]
    for number, row in enumerate(table.rows):
        style = ' class="ours"' if number in table.ours else ""
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        lines.append(f"<tr{style}>{cells}</tr>")
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</table></div>"


def _html_picture(picture: Picture) -> str:
    data = base64.b64encode(picture.jpeg).decode("ascii")
    caption = html.escape(picture.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _svg(chart: Bars) -> str:
    """Return the bars as SVG, values above and labels below."""
    step, height, top, bottom = max(34, min(90, 900 // max(len(chart.values), 1))), 150, 20, 24
    width = step * len(chart.values)
    most = max([*chart.values, 0.0]) or 1.0
    parts = []
    for number, (label, value, shown) in enumerate(
        zip(chart.labels, chart.values, chart.shown, strict=True)
    ):
        tall, middle = height * value / most, step * (number + 0.5)
        y = top + height - tall
        parts.append(
            f'<rect x="{step * number + 3}" y="{y:.1f}" width="{step - 6}" height="{tall:.1f}"/>'
            f'<text x="{middle}" y="{y - 5:.1f}" text-anchor="middle">{html.escape(shown)}</text>'
            f'<text x="{middle}" y="{top + height + 17}" text-anchor="middle">'
            f"{html.escape(label)}</text>"
        )
    base = top + height
    return (
        f'<div class="wide"><svg viewBox="0 0 {width} {base + bottom}" width="{width}" '
        f'role="img" aria-label="{html.escape(chart.unit)}">{"".join(parts)}'
        f'<line class="axis" x1="0" x2="{width}" y1="{base}" y2="{base}"/></svg></div>'
        f'<p class="note">{html.escape(chart.unit)}</p>'
    )
