"""Every format that a prediction can be taken home in, declared once.

Page, command, batch and archive all read this list.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from distmat.export import restraints
from distmat.export.scripts import chimerax_script, pymol_script
from distmat.export.source import Source
from distmat.export.tables import map_npz, pairs_csv, pairs_parquet, true_distances
from distmat.export.traces import error_trace, sigma_trace, true_trace
from distmat.figures.printed import halves_picture
from distmat.protein.map_file import contacts_text, npy_bytes


@dataclass(frozen=True)
class Format:
    """A way out.

    Parameters
    ----------
    key : str
        What ``--formats`` calls it.
    suffix : str
        Of its files, behind the chain's name.
    label : str
        Of its button.
    kind : str
        Its media type.
    hint : str
        What it holds, in a sentence.
    group : str
        Heading under which the page offers it.
    make : callable
        Makes the file of a source.
    usual : bool
        Whether ``distmat predict --out`` writes it unless told otherwise.
    needs_truth : bool
        Whether it can be made only where a structure is known.
    is_restraints : bool
        Whether it holds the pairs that are surer than a threshold.
    """

    key: str
    suffix: str
    label: str
    kind: str
    hint: str
    group: str
    make: Callable[[Source], str | bytes]
    usual: bool = False
    needs_truth: bool = False
    is_restraints: bool = False

    def fits(self, source: Source) -> bool:
        """Whether it can be made of this source."""
        return not self.needs_truth or source.prediction.comparison is not None

    def content(self, source: Source) -> bytes:
        """The file."""
        made = self.make(source)
        return made.encode() if isinstance(made, str) else made


def _picture(kind: str) -> Callable[[Source], bytes]:
    def make(source: Source) -> bytes:
        predicted, true = source.prediction.map.distances, true_distances(source)
        return halves_picture(predicted, predicted if true is None else true, "residue", kind)

    return make


def precision_words(source: Source) -> str:
    """How often restraints of this source hold, in a sentence."""
    found = None
    if source.folder is not None:
        with_templates = bool(source.prediction.templates)
        found = restraints.read_measured_precision(source.folder, source.threshold, with_templates)
    return restraints.NOT_MEASURED if found is None else found.sentence()


def _restraints(write: Callable[..., str]) -> Callable[[Source], str]:
    return lambda source: write(source.prediction.map, source.threshold, precision_words(source))


_PICTURE_HINT = (
    "The predicted map above the diagonal and, where it is known, the true one below, one column "
    "wide (86 mm)"
)
_RESTRAINT_HINT = "Of the pairs that the model is sure of, with how often such hold"

FORMATS = {
    form.key: form
    for form in (
        Format(
            "npy",
            ".npy",
            "Map, NPY",
            "application/octet-stream",
            "N×N distances in Å for numpy.load.",
            "Map",
            lambda source: npy_bytes(source.prediction.map.distances),
            usual=True,
        ),
        Format(
            "npz",
            ".npz",
            "Map and distogram, NPZ",
            "application/octet-stream",
            "Distances, deviations, contacts, trace, and how likely each distance is, with medians "
            "and means.",
            "Map",
            map_npz,
        ),
        Format(
            "csv",
            ".csv",
            "Pairs, CSV",
            "text/csv",
            "One line for each pair: distance, deviation, probability of contact; true distance "
            "and error where they are known.",
            "Map",
            pairs_csv,
            usual=True,
        ),
        Format(
            "parquet",
            ".parquet",
            "Pairs, Parquet",
            "application/vnd.apache.parquet",
            "The same table for pandas, polars and R.",
            "Map",
            pairs_parquet,
        ),
        Format(
            "rr",
            ".rr",
            "Contacts, RR",
            "text/plain",
            "CASP's format, likeliest contact first; of Cα atoms.",
            "Map",
            lambda source: contacts_text(source.prediction.map),
            usual=True,
        ),
        Format(
            "pdb",
            ".pdb",
            "Trace, PDB",
            "chemical/x-pdb",
            "Cα atoms, bonded as one chain; the B-factor is the mean σ of the residue.",
            "Structure",
            sigma_trace,
            usual=True,
        ),
        Format(
            "cif",
            ".cif",
            "Trace, mmCIF",
            "chemical/x-mmcif",
            "The same as mmCIF.",
            "Structure",
            lambda source: sigma_trace(source, mmcif=True),
            usual=True,
        ),
        Format(
            "error-pdb",
            "-error.pdb",
            "Error, PDB",
            "chemical/x-pdb",
            "The trace laid on the structure; the B-factor is how far the residue is off.",
            "Structure",
            error_trace,
            needs_truth=True,
        ),
        Format(
            "error-cif",
            "-error.cif",
            "Error, mmCIF",
            "chemical/x-mmcif",
            "The same as mmCIF.",
            "Structure",
            lambda source: error_trace(source, mmcif=True),
            needs_truth=True,
        ),
        Format(
            "true-pdb",
            "-true.pdb",
            "Structure, PDB",
            "chemical/x-pdb",
            "The Cα trace that the prediction is compared with.",
            "Structure",
            true_trace,
            needs_truth=True,
        ),
        Format(
            "pymol",
            ".pml",
            "PyMOL script",
            "text/plain",
            "Both structures, the error (or σ) as colour, the marked pairs as distances; without "
            "marks the ten likeliest long-range contacts.",
            "Programs",
            pymol_script,
        ),
        Format(
            "chimerax",
            "-chimerax.py",
            "ChimeraX script",
            "text/x-python",
            "The same for ChimeraX.",
            "Programs",
            chimerax_script,
        ),
        Format(
            "cns",
            ".tbl",
            "Restraints, CNS",
            "text/plain",
            f"{_RESTRAINT_HINT}; for CNS and Xplor-NIH.",
            "Programs",
            _restraints(restraints.write_cns),
            is_restraints=True,
        ),
        Format(
            "rosetta",
            ".cst",
            "Restraints, Rosetta",
            "text/plain",
            f"{_RESTRAINT_HINT}; AtomPair, BOUNDED.",
            "Programs",
            _restraints(restraints.write_rosetta),
            is_restraints=True,
        ),
        Format(
            "openmm",
            "-openmm.py",
            "Restraints, OpenMM",
            "text/x-python",
            f"{_RESTRAINT_HINT}; a function that adds them to a system.",
            "Programs",
            _restraints(restraints.write_openmm),
            is_restraints=True,
        ),
        Format(
            "svg",
            ".svg",
            "Map, SVG",
            "image/svg+xml",
            f"{_PICTURE_HINT}; text stays text.",
            "Print",
            _picture("svg"),
        ),
        Format(
            "pdf",
            ".pdf",
            "Map, PDF",
            "application/pdf",
            f"{_PICTURE_HINT}.",
            "Print",
            _picture("pdf"),
        ),
        Format(
            "png",
            ".png",
            "Map, PNG",
            "image/png",
            f"{_PICTURE_HINT}, 600 dots per inch.",
            "Print",
            _picture("png"),
        ),
        Format(
            "json",
            ".json",
            "Scores, JSON",
            "application/json",
            "All numbers of the prediction.",
            "Map",
            lambda source: json.dumps(source.prediction.as_dict(source.checkpoint), indent=2),
            usual=True,
        ),
    )
}
"""By key, in the order in which they are written and offered."""

USUAL = tuple(form.key for form in FORMATS.values() if form.usual)
