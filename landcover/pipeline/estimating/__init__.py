"""What a run will take, told before it begins, from what earlier runs took."""
