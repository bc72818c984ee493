"""A report as one HTML file that needs no network: text, tables and figures."""

import html
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from .artifact import replace_text
from .console import format_value, is_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --surface: #fff; --ink: #1c2330; --soft: #5b6678;
  --line: #dfe3ea; --accent: #2457c5; }
@media (prefers-color-scheme: dark) { :root { --page: #12151b; --surface: #1b2029; --ink: #e6e9ef;
  --soft: #9aa5b8; --line: #313947; --accent: #8ab0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 3.5rem 0 1.5rem; }
h1:first-child { margin-top: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; } h3 { font-size: 1.05rem; }
p, ul, ol { max-width: 46rem; } a { color: var(--accent); }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; background: var(--line);
  border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 1rem; background: var(--surface); border: 1px solid var(--line);
  border-radius: 8px; } pre code { background: none; padding: 0; }
.scroll { overflow-x: auto; background: var(--surface); border: 1px solid var(--line);
  border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { padding: .45rem .8rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 0; padding: 1rem; background: var(--surface); border: 1px solid var(--line);
  border-radius: 8px; }
figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { color: var(--soft); font-size: .93rem; margin-top: .75rem; }
@media print { :root { color-scheme: light; --page: #fff; --surface: #fff; --ink: #000;
    --soft: #444; --line: #bbb; --accent: #000; }
  main { max-width: none; padding: 0; } .scroll { overflow: visible; }
  figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


class Report:
    """Collects the parts of a report in the order in which they are added.

    Parameters
    ----------
    title : str
        The heading of the page.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[str] = []
        # Text may hold names from the data: no HTML, and no image that a browser would fetch.
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")

    def text(self, markdown: str) -> None:
        """Add Markdown: headings, paragraphs, lists, tables, code; HTML in it is shown as text."""
        rendered = self._markdown.render(markdown)
        rendered = rendered.replace("<table>", '<div class="scroll"><table>')
        self._parts.append(rendered.replace("</table>", "</table></div>"))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; a column of numbers is aligned right.

        Parameters
        ----------
        title : str
            Its heading.
        columns : Sequence[str]
            The headings of the columns.
        rows : Sequence[Sequence[object]]
            As many cells in each row as there are columns.
        """
        number = [
            ' class="number"' if rows and all(is_number(row[i]) for row in rows) else ""
            for i in range(len(columns))
        ]
        head = "".join(
            f'<th scope="col"{kind}>{html.escape(name)}</th>'
            for name, kind in zip(columns, number, strict=True)
        )
        body = "\n".join(
            "<tr>"
            + "".join(
                f"<td{kind}>{html.escape(format_value(value))}</td>"
                for value, kind in zip(row, number, strict=True)
            )
            + "</tr>"
            for row in rows
        )
        self._parts.append(
            f'<h2>{html.escape(title)}</h2>\n<div class="scroll"><table>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
        )

    def figure(self, title: str, figure: "Figure", caption: str) -> None:
        """Add a matplotlib figure as SVG; what is black or white in it follows the page's colours.

        Parameters
        ----------
        title : str
            Its heading.
        figure : Figure
            Made with `matplotlib.figure.Figure()`; pyplot would keep it in memory. Of many thousand
            points, pass `rasterized=True` to the plot.
        caption : str
            What to see in it.
        """
        self._parts.append(
            f"<h2>{html.escape(title)}</h2>\n<figure>\n{_svg(figure, title)}\n"
            f"<figcaption>{html.escape(caption)}</figcaption>\n</figure>"
        )

    def write(self, path: Path) -> Path:
        """Write the page, whole or not at all, and return its path.

        Raises
        ------
        UserError
            When the file cannot be written.
        """
        title = html.escape(self._title)
        body = "\n".join(self._parts)
        replace_text(path, _PAGE.format(title=title, style=_STYLE, body=body))
        return path


def _svg(figure: "Figure", title: str) -> str:
    from matplotlib import rc_context

    drawn = io.StringIO()
    # Text as text: smaller, can be selected, and is read aloud.
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(
            drawn, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None}
        )
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"#000000|(?<=[ :])black\b", "currentColor", svg)
    svg = svg.replace("#ffffff", "var(--surface)")
    return svg.replace(
        "<svg ", f'<svg role="img" aria-label="{html.escape(title)}" fill="currentColor" ', 1
    )
