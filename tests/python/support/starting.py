"""The type of the fixture `start`."""

from __future__ import annotations

from typing import Any, Protocol

import crossawait


class Start(Protocol):
    """Starts a runtime of the kind that is tested; it is shut down after the test."""

    def __call__(self, **options: Any) -> crossawait.Runtime: ...
