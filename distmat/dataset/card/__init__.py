"""A dataset's card: what is in it, what was left out, and what knows nothing would score on it.

The same dataset always has the same card: no date is in it, nor how long it took.
"""
