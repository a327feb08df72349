"""Predict one protein: its distance map, how right that is, and the backbone in 3D."""

from distmat.ui.answer import answered, warm_up
from distmat.ui.backbone import show_backbone, show_residues
from distmat.ui.downloads import show_downloads
from distmat.ui.heading import show_heading, show_title, show_welcome
from distmat.ui.maps import show_maps
from distmat.ui.question import ask
from distmat.ui.scores import show_scores, show_verdict
from distmat.ui.templates import show_templates

show_title()
question, checkpoint = ask()
answer = answered(question, checkpoint) if question and checkpoint else None
if answer is None:
    show_welcome()
else:
    show_heading(answer)
    show_templates(answer)
    show_verdict(answer)
    show_maps(answer)
    show_backbone(answer)
    show_scores(answer)
    show_residues(answer)
    show_downloads(answer)
warm_up()
