"""Predict one protein: its distance map, how right that is, and the backbone in 3D."""

from distmat.ui.predict.answer import answered, warm_up
from distmat.ui.predict.backbone import show_backbone, show_residues
from distmat.ui.predict.batch import show_many
from distmat.ui.predict.downloads import show_downloads
from distmat.ui.predict.heading import show_heading, show_title, show_welcome
from distmat.ui.predict.maps import show_maps
from distmat.ui.predict.overlap import show_training_overlap
from distmat.ui.predict.question import ask
from distmat.ui.predict.scores import show_scores, show_verdict
from distmat.ui.predict.templates import show_templates

show_title()
question, checkpoint = ask()
answer = answered(question, checkpoint) if question and checkpoint else None
if answer is None:
    show_welcome()
else:
    show_heading(answer)
    show_training_overlap(answer)
    show_templates(answer)
    show_verdict(answer)
    show_maps(answer)
    show_backbone(answer)
    show_scores(answer)
    show_residues(answer)
    show_downloads(answer)
show_many(checkpoint)
warm_up()
