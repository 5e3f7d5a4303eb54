"""``python -m landcover``."""

from landcover.cli import main

main()
