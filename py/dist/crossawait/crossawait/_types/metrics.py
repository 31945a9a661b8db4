"""What ``Runtime.metrics`` returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counters of one runtime, read at one moment.

    Every counter starts at zero with the runtime and never falls, except ``tasks_pending``. They are read one
    after the other while the runtime goes on, so that two of them can differ by work done in between.
    """

    runtime: str
    """The runtime's name, as in ``Runtime.name``."""

    worker_threads: int
    """Threads that poll tasks; the blocking pool's are not among them."""

    tasks_spawned: int
    """Tasks handed to the executor since the start. A task that was ready at its first poll, on the caller's
    thread, was never spawned."""

    tasks_settled: int
    """Spawned tasks that have ended, in whatever way: a value, an error, a panic, cancelled, shut down."""

    tasks_pending: int
    """Spawned tasks that have not ended."""

    blocking_calls: int
    """Calls of ``run_blocking`` that were run on the blocking pool."""

    wakes: int
    """Times a sleeping event loop was woken: one system call each. This counter and the two after it belong
    to the compiled package, since its runtimes share the queues of the event loops."""

    batches: int
    """Times an event loop emptied its queue; ``wakes`` is never greater."""

    completions: int
    """Awaitables that were settled out of such queues; one that settled before anybody waited is not among
    them."""

    @property
    def completions_per_wake(self) -> float:
        """How many completions one wake delivered, on average; 0.0 before the first wake."""
        return self.completions / self.wakes if self.wakes else 0.0
