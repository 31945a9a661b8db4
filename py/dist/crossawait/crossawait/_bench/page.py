"""The report as one page of HTML that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from crossawait._bench import bends, charts, compare, machine, rows
from crossawait._bench.report import Findings, Report

STYLE = """
:root { color-scheme: light }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 70rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .2rem; border-top: 1px solid #ddd; padding-top: 1rem }
code { background: #f3f3f3; padding: .1em .3em; border-radius: 3px }
nav { columns: 3; margin: 1rem 0 } nav a { display: block }
.summary { background: #eef6f1; border-left: 4px solid #009e73; padding: .4rem 1rem; margin: 1rem 0 }
.verdict { font-weight: 600; margin: .3rem 0 }
.note, .facts { color: #666; font-size: .87rem } .failure { color: #a04000 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; margin: .8rem 0 }
th { font-weight: 600; border-bottom: 2px solid #ccc }
th, td { padding: .15rem .8rem .15rem 0; text-align: right;
  white-space: nowrap }
th:first-child, td:first-child { text-align: left }
tr:nth-child(even) td { background: #f8f8f8 }
svg { max-width: 100%; height: auto; display: block }
figure { margin: .8rem 0 } figcaption { color: #666; font-size: .87rem }
"""


def page(
    report: Report, verdicts: Mapping[str, Sequence[str]], summary: Sequence[str], old: Report | None
) -> str:
    """Return the page's text."""
    body = [
        "<h1>crossawait: which runtime, on which event loop</h1>",
        _summary(summary),
        _facts(report),
        _comparison(old, report) if old is not None else "",
        _contents(report),
        *(_curves(report)),
        *(_workload(found, verdicts[found.name]) for found in report.findings),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<title>crossawait bench</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _summary(summary: Sequence[str]) -> str:
    if not summary:
        return ""
    return '<div class="summary">' + "".join(f"<p>{escape(sentence)}</p>" for sentence in summary) + "</div>"


def _facts(report: Report) -> str:
    cells = [[name, value] for name, value in machine.lines(report.facts)]
    lines = "".join(f"<div><b>{escape(name)}</b> {escape(value)}</div>" for name, value in cells)
    return f'<div class="facts">{lines}</div>'


def _comparison(old: Report, new: Report) -> str:
    comparison = compare.compare(old, new)
    parts = [f"<h2>Compared with the report of {escape(str(old.facts['date']))}</h2>"]
    parts += [
        f'<p class="failure">not the same: {escape(line)}</p>'
        for line in machine.differences(old.facts, new.facts)
    ]
    parts.append(f"<p>{escape(compare.conclusion(comparison))}</p>")
    if comparison.changes:
        parts.append(_table(["", "contestant", "then", "now", ""], compare.as_rows(comparison.changes)))
    return "\n".join(parts)


def _contents(report: Report) -> str:
    links = "".join(f'<a href="#{escape(found.name)}">{escape(found.name)}</a>' for found in report.findings)
    return f"<nav>{links}</nav>"


def _curves(report: Report) -> list[str]:
    """Draw what was measured in several amounts, and say where it bends."""
    said = bends.scaling(report)
    return [
        f"<h2>Scaling: {escape(name)}</h2>\n<figure>{charts.curve(points)}</figure>\n"
        f"<p>{'<br>'.join(map(escape, said[name]))}</p>"
        for name, points in bends.curves(report).items()
    ]


def _workload(found: Findings, verdict: Sequence[str]) -> str:
    parts = [f'<h2 id="{escape(found.name)}">{escape(found.name)}: {escape(found.title)}</h2>']
    parts += [f'<p class="verdict">{escape(sentence)}</p>' for sentence in verdict]
    if found.results:
        parts.append(f"<figure>{charts.bars(found)}</figure>")
        if any(result.percentiles for result in found.results.values()):
            parts.append(
                f"<figure>{charts.percentiles(found)}"
                "<figcaption>Of single operations, the slow ones to the right.</figcaption></figure>"
            )
        parts.append(_table(rows.header(found, wide=True), rows.rows(found, wide=True)))
    parts += [f'<p class="failure">no result: {escape(line)}</p>' for line in rows.failures(found)]
    parts.append(f'<p class="note">{escape(rows.note(found))}</p>')
    return "\n".join(parts)


def _table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in cells)
    return f'<div class="scroll"><table>\n<tr>{head}</tr>\n{body}</table></div>'
