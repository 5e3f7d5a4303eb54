"""Maps against points, references and each other."""
