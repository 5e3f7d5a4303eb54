"""When runs are due: seasons, and years of which the seasons are there."""
