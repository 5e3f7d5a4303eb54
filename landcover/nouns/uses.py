"""What a labelled row may be used for: most train and judge, some do one of both only."""

from __future__ import annotations

from typing import Final

USE: Final = "use"
"""Column of points and samples that says so; where it is absent all rows train and judge."""
BOTH: Final = "both"
"""Trains, and judges models that did not see its group."""
TRAINS: Final = "train"
"""Trains only: a point of an existing map, whose class nobody has checked."""
JUDGES: Final = "test"
"""Judges only."""
