"""The page: well-formed, complete, and in need of nothing from anywhere else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from crossawait._bench.page import page
from crossawait._bench.verdicts import verdict
from findings import FACTS, findings, report

VOID = {"br", "meta"}
TIMED = findings(
    {"asyncio": 1e-6, "uvloop": 1e-6, "tokio on asyncio": 2e-6, "tokio on uvloop": 2e-6},
    percentiles=(1e-6, 2e-6, 3e-6, 4e-6),
    failures={"smol on asyncio": "OSError: <no> & again"},
)
THREADS = findings({"asyncio": (0.0,) * 6, "tokio on asyncio": 4.0}, name="threads", unit="threads")
POINTS = [
    findings({"asyncio": 1e-6, "zebra on asyncio": at * 1e-6}, name=f"pending-{at}", curve="by size", at=at)
    for at in (1, 10)
]
RATES = [
    findings({"tokio in Rust alone": at * 5e-7}, name=f"rate-{at}", curve="things a second, by size", at=at)
    for at in (1, 10)
]
NOBODY = findings({}, name="nobody", failures={"asyncio": "it was not there"})


class Reader(HTMLParser):
    """Follows the tags, and keeps what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def made() -> str:
    everything = report(TIMED, THREADS, *POINTS, *RATES, NOBODY)
    words = {found.name: verdict(found) for found in everything.findings}
    old = report(findings({"asyncio": 5e-6}))
    return page(everything, words, ["a <summary>"], old)


def test_the_page_is_whole_and_refers_to_itself_alone() -> None:
    reader = Reader()
    reader.feed(made())
    assert reader.open == []
    # Bars of two workloads and of four points, percentiles, and the curves.
    assert reader.seen.count("svg") == 2 + 4 + 1 + 2
    assert "script" not in reader.seen
    assert [link for link in reader.links if not link.startswith("#")] == []


def test_the_page_says_what_was_found_on_what_machine() -> None:
    text = made()
    for value in (
        FACTS["processor"],
        FACTS["python"],
        "tokio 2.0× slower than asyncio itself",
        "Scaling: by size",
        "zebra on asyncio: 1.00 µs; bends after 1, and takes 10.0× more with 10.",
        "how many a second; more is better",
        ">2,000,000<",
        "The limit is 500 ns, of tokio in Rust alone.",
    ):
        assert str(value) in text
    assert "a &lt;summary&gt;" in text
    assert "smol on asyncio: OSError: &lt;no&gt; &amp; again" in text
    assert "asyncio: it was not there" in text
    assert "5.0× faster" in text


def test_charts_name_each_contestant_in_text() -> None:
    drawn = re.findall(r"<svg.*?</svg>", made(), flags=re.DOTALL)
    assert all(name in drawn[2] for name in (">tokio on asyncio<", ">tokio on uvloop<", ">uvloop<"))
    assert ">zebra<" in drawn[0]


def test_the_same_findings_make_the_same_page() -> None:
    assert made() == made()
