"""Scripts for PyMOL and ChimeraX: both structures, the error as colour, pairs as distances.

Each is one file that holds the coordinates. Nothing that a person typed is in them: names are ours
and numbers are numbers.

PyMOL's was run in PyMOL. ChimeraX's wasn't run in ChimeraX: its commands follow the usage that
ChimeraX's own documents give (``docs/user/commands/color.html`` byattribute, ``distance.html``,
``transparency.html``, ``view.html``). Digits of distances are left as they are, for there setting
them would change a person's own default.
"""

from distmat.export.source import Source
from distmat.export.traces import error_trace, sigma_by_residue, sigma_trace, true_trace

_MOST_ERROR = 10.0
"""Å from which an error has the last colour."""


def _parts(source: Source) -> tuple[str, str, float]:
    """The predicted trace, the true one or nothing, and the B-factor of the last colour."""
    if source.prediction.comparison is None:
        return sigma_trace(source), "", max(1.0, float(sigma_by_residue(source).max()))
    return error_trace(source), true_trace(source), _MOST_ERROR


def pymol_script(source: Source) -> str:
    """For PyMOL 2: ``pymol NAME.pml``; the colour is the error, or σ without a structure."""
    predicted, true, most = _parts(source)
    lines = ["# Written by distmat. Open with: pymol FILE.pml", "python"]
    lines += [f'cmd.read_pdbstr("""{predicted}""", "predicted")']
    if true:
        lines += [f'cmd.read_pdbstr("""{true}""", "true")']
    lines += [
        "python end",
        "set cartoon_trace_atoms, 1",
        "as cartoon",
        "cartoon tube",
        f"spectrum b, blue_white_red, predicted, minimum=0, maximum={most:.2f}",
    ]
    if true:
        lines += ["color grey60, true", "set cartoon_transparency, 0.4, true"]
    for number, (i, j) in enumerate(source.shown_pairs, start=1):
        lines += [
            f"distance pair_{number}, predicted and name CA and resi {i + 1}, "
            f"predicted and name CA and resi {j + 1}"
        ]
    return "\n".join([*lines, "orient predicted", ""])


def chimerax_script(source: Source) -> str:
    """For ChimeraX: ``chimerax NAME.py``; as `pymol_script`."""
    predicted, true, most = _parts(source)
    pairs = [f"distance #1/A:{i + 1}@CA #1/A:{j + 1}@CA" for i, j in source.shown_pairs]
    commands = [
        "hide atoms",
        "show cartoons",
        f"color byattribute bfactor #1 palette blue:white:red range 0,{most:.2f}",
        *(["color #2 gray", "transparency #2 40 target c"] if true else []),
        *pairs,
        "view",
    ]
    return "\n".join(
        [
            "# Written by distmat. Open with: chimerax FILE.py",
            "import os",
            "import tempfile",
            "",
            "from chimerax.core.commands import run",
            "",
            f"STRUCTURES = {[text for text in (predicted, true) if text]!r}",
            f"COMMANDS = {commands!r}",
            "",
            "for text in STRUCTURES:",
            '    with tempfile.NamedTemporaryFile("w", suffix=".pdb", delete=False) as file:',
            "        file.write(text)",
            "    run(session, f'open \"{file.name}\"')  # noqa: F821",
            "    os.unlink(file.name)",
            "for command in COMMANDS:",
            "    run(session, command)  # noqa: F821",
            "",
        ]
    )
