"""The local Dask cluster as a process: started by :mod:`landcover.airflow_process.cluster`.

It prints the scheduler's address and ends when its input closes, that is with its parent.
"""

from __future__ import annotations

import json
import sys

from landcover.execution import local_cluster


def main() -> None:
    """Run a cluster until the input closes."""
    with local_cluster(**json.loads(sys.argv[1])) as address:
        print(address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
