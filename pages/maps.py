"""Anyone's map: look at it, measure it against a structure or another map, rebuild its backbone."""

from distmat.ui.maps.downloads import show_downloads
from distmat.ui.maps.question import ask
from distmat.ui.maps.view import show_heading, show_title, show_view, show_welcome

show_title()
asked = ask()
if asked is None:
    show_welcome()
else:
    show_heading(asked)
    show_view(asked)
    show_downloads(asked)
