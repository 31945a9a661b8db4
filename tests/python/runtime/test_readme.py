"""What the README shows is run."""

from __future__ import annotations

from child_process import printed
from page import ROOT, blocks, dead_links

README = ROOT / "README.md"


def test_the_example_for_a_python_user() -> None:
    [example] = blocks(README, "python")
    assert printed(example.text) == "b'HELLO'\n45"


def test_links_lead_somewhere() -> None:
    assert dead_links(README) == []
