"""The operators of land-cover DAGs."""
