"""The codebook of columns, and rows for people and programs."""
