"""Predict one protein: its distance map, how right that is, and the backbone in 3D."""

from distmat.ui.predict.backbone import show_backbone, show_residues
from distmat.ui.predict.batch import show_many
from distmat.ui.predict.downloads import show_downloads
from distmat.ui.predict.header import show_header, show_title, show_welcome
from distmat.ui.predict.history import keep_in_history, show_history
from distmat.ui.predict.maps import show_maps
from distmat.ui.predict.mutations import show_mutations
from distmat.ui.predict.overlap import show_training_overlap
from distmat.ui.predict.request import ask
from distmat.ui.predict.scores import show_scores, show_verdict
from distmat.ui.predict.templates import show_templates
from distmat.ui.predict.view import get_prediction
from distmat.ui.showcase import show_showcase

show_title()
request, checkpoint = ask()
view = get_prediction(request, checkpoint) if request and checkpoint else None
if view is None:
    show_welcome()
else:
    keep_in_history(view)
    show_header(view)
    show_training_overlap(view)
    show_templates(view)
    show_verdict(view)
    show_maps(view)
    show_backbone(view)
    show_scores(view)
    show_residues(view)
    show_mutations(view)
    show_downloads(view)
show_history()
show_many(checkpoint)
if view is None:
    show_showcase()
