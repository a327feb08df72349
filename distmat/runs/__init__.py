"""Runs: trainings in processes of their own, and the store that remembers them."""
