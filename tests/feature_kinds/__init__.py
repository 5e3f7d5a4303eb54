"""Kinds of features that live in tests only: each is one file, and one row of the table."""
