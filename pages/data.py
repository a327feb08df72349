"""Datasets: build them, look into them, compare and delete them."""

from distmat.access import may_change
from distmat.ui.data.build import show_build_form, show_builds
from distmat.ui.data.card import show_card
from distmat.ui.data.chains import show_chains
from distmat.ui.data.choice import choose_dataset, choose_view, show_title
from distmat.ui.data.compare import show_comparison
from distmat.ui.data.homologues import show_homologues_form
from distmat.ui.data.rejects import show_rejects

show_title()
show_builds()
dataset = choose_dataset()
if may_change():
    show_build_form(expanded=dataset is None)
if dataset is not None:
    view = choose_view(dataset)
    if view == "Overview":
        show_card(dataset)
        if may_change():
            show_homologues_form(dataset)
    elif view == "Chains":
        show_chains(dataset)
    elif view == "Left out":
        show_rejects(dataset)
    else:
        show_comparison(dataset)
