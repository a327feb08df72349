"""Datasets: build them, look into them, compare and delete them."""

from distmat.ui.data_build import show_build_form, show_builds
from distmat.ui.data_card import show_card
from distmat.ui.data_chains import show_chains
from distmat.ui.data_choice import choose_dataset, choose_view, show_title
from distmat.ui.data_compare import show_comparison
from distmat.ui.data_homologues import show_homologues_form
from distmat.ui.data_rejects import show_rejects

show_title()
show_builds()
dataset = choose_dataset()
show_build_form(expanded=dataset is None)
if dataset is not None:
    view = choose_view(dataset)
    if view == "Overview":
        show_card(dataset)
        show_homologues_form(dataset)
    elif view == "Chains":
        show_chains(dataset)
    elif view == "Left out":
        show_rejects(dataset)
    else:
        show_comparison(dataset)
