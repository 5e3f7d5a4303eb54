"""From labels to samples, models and what explains them."""
