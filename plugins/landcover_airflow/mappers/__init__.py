"""How partitions of one DAG become those of the next."""
