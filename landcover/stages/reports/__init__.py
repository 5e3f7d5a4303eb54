"""What a run publishes, where it came from, and making it again."""
