"""What this is, and where to go from here."""

from dataclasses import dataclass

import streamlit as st

from distmat.access import may_change


@dataclass(frozen=True)
class Door:
    """A page, and what one goes there for.

    Parameters
    ----------
    page : str
        Its file.
    icon, title, text : str
    changes : bool
        Whether it is closed where nothing may be changed.
    """

    page: str
    icon: str
    title: str
    text: str
    changes: bool = False


_DOORS = (
    Door(
        "predict.py",
        ":material/genetics:",
        "Look at a prediction",
        "Paste a sequence, upload a structure, or open one of eight proteins: map, error and "
        "backbone in 3D.",
    ),
    Door(
        "maps.py",
        ":material/grid_on:",
        "Open a map",
        "A distogram of AlphaFold, ESMFold or Boltz, or a map of your own: look, measure, rebuild.",
    ),
    Door(
        "train.py",
        ":material/model_training:",
        "Train a model",
        "Choose a preset and press start. It runs in the background, with live curves and a "
        "diagnosis in sentences.",
        changes=True,
    ),
    Door(
        "data.py",
        ":material/database:",
        "Bring your structures",
        "A folder, an archive or PDB ids become a dataset without relatives across its splits.",
        changes=True,
    ),
    Door(
        "evaluate.py",
        ":material/straighten:",
        "Evaluate",
        "How good a checkpoint is, on which chains, where it is off, and which of two is better.",
        changes=True,
    ),
    Door(
        "data.py",
        ":material/database:",
        "Look into the data",
        "The chains that models here were trained and tested on.",
    ),
    Door(
        "evaluate.py",
        ":material/straighten:",
        "Look at evaluations",
        "How good the checkpoints here are, on which chains, and where they are off.",
    ),
)


def show_title() -> None:
    """The name, and what it is for in one line."""
    st.title("distmat", anchor=False)
    st.markdown(
        "Train models that predict how far apart a protein's residues are from its sequence, watch "
        "them learn, and **look** at what they predict, always beside what knowing nothing gives."
    )


def show_doors() -> None:
    """What one can do, each a click away."""
    doors = open_doors()
    with st.container(key="doors"):
        for column, door in zip(st.columns(len(doors)), doors, strict=True):
            with column.container(border=True, height="stretch"):
                st.page_link(door.page, label=f"**{door.title}**", icon=door.icon)
                st.caption(door.text)


def open_doors() -> list[Door]:
    """Where nothing may be changed, those for looking alone; one for each page."""
    doors: dict[str, Door] = {}
    for door in _DOORS:
        if not (door.changes and not may_change()):
            doors.setdefault(door.page, door)
    return list(doors.values())
