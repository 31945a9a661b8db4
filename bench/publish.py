"""Shows `results/peers.json` in the README, in this folder's manual, and as a chart.

`--check` only says whether the pages have what the file says.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import figures
from library import ROOT

RESULTS = ROOT / "bench" / "results" / "peers.json"
CHART = "docs/peers.png"

BEGIN, END = "<!-- figures: make bench-peers -->", "<!-- end of figures -->"


def pages(document: figures.Document) -> dict[Path, str]:
    """What stands between the marks of each page."""
    return {
        ROOT / "README.md": figures.readme(document, CHART),
        ROOT / "bench" / "README.md": figures.verdicts(document),
    }


def with_figures(page: str, said: str) -> str:
    """The page with that between its two marks.

    Raises:
        ValueError: the page has not just one pair of marks.
    """
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{said}\n\n{END}{after}"


def outdated(document: figures.Document) -> dict[Path, str]:
    """The pages that say something else than the document, as they should be."""
    found = {}
    for path, said in pages(document).items():
        page = path.read_text(encoding="utf-8")
        wanted = with_figures(page, said)
        if wanted != page:
            found[path] = wanted
    return found


def main() -> int:
    """Writes the pages and the chart, or looks whether they have been written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; status 1 if a page is out of date"
    )
    chosen = parser.parse_args()
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    old = outdated(document)
    if chosen.check:
        for path in old:
            print(f"{path.relative_to(ROOT)} does not say what {RESULTS.relative_to(ROOT)} does")
        return 1 if old else 0
    for path, page in old.items():
        path.write_text(page, encoding="utf-8")
    # Half a second and much memory, for nothing but this.
    from chart import draw

    draw(document, ROOT / CHART)
    return 0


if __name__ == "__main__":
    sys.exit(main())
