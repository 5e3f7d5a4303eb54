"""The triggers of land-cover DAGs."""
