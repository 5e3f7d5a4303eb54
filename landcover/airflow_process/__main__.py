"""The local Dask cluster as a process: started by :mod:`landcover.airflow_process.cluster`.

It prints the scheduler's address and ends when its input closes, that is with its parent.
"""

from __future__ import annotations

import json
import os
import sys

from landcover.execution import local_cluster


def main() -> None:
    """Run a cluster until the input closes."""
    # The parent reads one line. What workers print goes to the log: a pipe that nobody reads
    # fills after 64 kB, and the worker that printed would wait for ever.
    parent = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with local_cluster(**json.loads(sys.argv[1])) as address:
        print(address, file=parent, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
