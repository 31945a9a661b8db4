"""What the README shows is run."""

from __future__ import annotations

import re
from pathlib import Path

from child_process import printed

README = Path(__file__).parents[3] / "README.md"


def test_the_example_for_a_python_user() -> None:
    [example] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert printed(example) == "b'HELLO'\n45"
