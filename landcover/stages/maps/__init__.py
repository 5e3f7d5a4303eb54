"""From a model to the maps of tiles and their mosaics."""
