"""Proteins: sequences, chains, their distance maps, and the files that hold them."""
