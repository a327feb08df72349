"""Evaluate checkpoints on a dataset: how good, on which chains, and where they are off."""

from distmat.access import is_read_only
from distmat.ui.evaluate.choice import choose_evaluations, show_evaluating, show_form, show_title
from distmat.ui.evaluate.page import show_evaluations

show_title()
show_evaluating()
chosen = choose_evaluations()
if not is_read_only():
    show_form(expanded=not chosen)
show_evaluations(chosen)
