"""All workloads, in the order in which they are run and reported."""

from __future__ import annotations

from crossawait._bench.workload import Workload
from crossawait._bench.workloads import crossing, network, process, scaling, threads

WORKLOADS: tuple[Workload, ...] = (
    *crossing.WORKLOADS,
    *threads.WORKLOADS,
    *network.WORKLOADS,
    *process.WORKLOADS,
    *scaling.WORKLOADS,
)

BY_NAME = {workload.name: workload for workload in WORKLOADS}
