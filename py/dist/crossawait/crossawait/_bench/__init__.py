"""``crossawait bench``: the installed runtimes on the installed event loops, and these by themselves.

A workload does the same work with each contestant. Each contestant has its own process (``worker``, seen from
here as a ``crew``), in which a loop and maybe a runtime run; ``measure`` goes round them. What was found is a
``report``, and ``verdicts``, ``terminal``, ``charts`` and ``page`` say it in words, tables and pictures.
"""

from __future__ import annotations

from crossawait._bench.options import EXTRA, BenchError, Options, plan

__all__ = ["EXTRA", "BenchError", "Options", "run"]


def run(options: Options) -> None:
    """Measure, print, and write the files that were asked for.

    Raises:
        BenchError: what was asked for cannot be done; nothing was measured.
        OSError: a file cannot be written.
    """
    planned = plan(options)
    # It needs rich, which is there if there is a plan.
    from crossawait._bench.session import hold

    hold(planned, options)
