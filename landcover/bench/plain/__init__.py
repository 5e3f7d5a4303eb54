"""Kernels as one would write them down, a pixel at a time: what ours must equal to the last bit.

They stand beside ours in ``landcover bench options``, and tests compare results with them. Ours
are faster and answer the same; a change that makes them answer otherwise changes products.
"""
