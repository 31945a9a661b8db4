"""What the comparison shares with `crossawait bench`: statistics, and what is said of the machine.

It comes from the sources and not from an installed wheel: only the extension of the peers has to be there.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "py" / "dist" / "crossawait"))

from crossawait._bench import noise
from crossawait._bench.machine import computer, cores
from crossawait._bench.neighbours import Neighbours

ROOT = Path(__file__).resolve().parent.parent

__all__ = ["ROOT", "Neighbours", "computer", "cores", "noise"]
