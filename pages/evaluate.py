"""Evaluate checkpoints on a dataset: how good, on which chains, and where they are off."""

from distmat.access import may_change
from distmat.ui.evaluate.choice import choose_evaluations, show_evaluating, show_form, show_title
from distmat.ui.evaluate.page import show_evaluations

show_title()
show_evaluating()
chosen = choose_evaluations()
if may_change():
    show_form(expanded=not chosen)
show_evaluations(chosen)
