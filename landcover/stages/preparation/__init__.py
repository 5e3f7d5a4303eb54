"""From products and elevation to composites and terrain."""
