"""The hooks of land-cover DAGs."""
