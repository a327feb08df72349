"""`distmat view`: anyone's map in the linked explorer, as one HTML file."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distmat.cli.map_options import add_map_options, map_options, naming_options
from distmat.errors import ConfigError, DistanceMapError, SequenceError, StructureError

if TYPE_CHECKING:
    import numpy as np

    from distmat.protein.chain import Chain
    from distmat.protein.foreign_map import ForeignMap


def add_view(commands) -> None:
    """The command `distmat view`."""
    command = commands.add_parser(
        "view",
        help="look at anyone's distance or contact map, beside its structure",
        description="Write one HTML file with the map and the backbone that it implies, linked; it "
        "needs no server and no network. Read are AlphaFold 3's, ESMFold's and Boltz's distograms, "
        "AlphaFold 3's contact_probs, trRosetta's NPZ, CASP's RR (modes 1 and 2), NPY, NPZ, CSV, "
        "text, and what distmat writes, told apart by what they hold.",
    )
    command.add_argument("map", type=Path, metavar="MAP", help="file of a map")
    add_map_options(command)
    command.add_argument("--structure", type=Path, help="structure file to compare with, by its Cα")
    command.add_argument("--chain", help="its chain (default: the first of the map's length)")
    command.add_argument("--out", type=Path, required=True, metavar="PAGE.html")
    command.set_defaults(run=_view)


def _view(options: argparse.Namespace) -> None:
    from distmat.figures.explorer import Scene, standalone_page
    from distmat.protein.distance_map import CONTACT_CUTOFF
    from distmat.protein.foreign_map import read_foreign_map
    from distmat.workspace import replace_file

    if options.out.suffix.lower() != ".html":
        raise ConfigError(f"--out is '{options.out}'; its name must end in .html.")
    found = read_foreign_map(options.map.read_bytes(), options.map.name, options.array)
    distances = _distances(found, options)
    truth = _truth(options, found)
    sequence = found.sequence or (truth.sequence if truth else "X" * found.residues)
    scene = Scene(
        key=f"view-{options.map.name}",
        sequence=sequence,
        predicted=distances,
        truth=None if truth is None else truth.ca,
        stages=_stages(distances),
        probability=found.contacts,
        numbers=() if truth is None else truth.residue_numbers,
        file=options.map.stem,
        cutoff=CONTACT_CUTOFF,
    )
    with replace_file(options.out, "w") as file:
        file.write(standalone_page(scene))
    between = f" between {found.atom} atoms" if found.atom else ""
    print(f"{found.kind}{between}, {found.residues:,} residues. Written to {options.out}.")


def _truth(options: argparse.Namespace, found: "ForeignMap") -> "Chain | None":
    from distmat.protein.structure.read import read_structure

    if options.structure is None:
        return None
    if found.atom == "Cβ":
        raise ConfigError(
            f"{options.map.name} speaks of Cβ atoms, and a structure is compared by its Cα atoms; "
            "leave out --structure."
        )
    chains = read_structure(options.structure)
    asked = [chain for chain in chains if options.chain in (None, chain.chain_id)]
    fitting = [chain for chain in asked if len(chain) == found.residues]
    if not fitting:
        lengths = ", ".join(f"{chain.chain_id or '?'} {len(chain):,}" for chain in chains)
        raise StructureError(
            f"{options.structure.name} has no such chain of {found.residues:,} residues, as "
            f"the map has; its chains have: {lengths}."
        )
    if found.sequence and fitting[0].sequence != found.sequence:
        raise SequenceError(
            f"Chain {fitting[0].chain_id} of {options.structure.name} is of another sequence than "
            "the map."
        )
    return fitting[0]


def _distances(found: "ForeignMap", options: argparse.Namespace) -> "np.ndarray | None":
    """Å; a format that says between which atoms it is says by itself what its numbers mean."""
    from distmat.geometry.completion import check_map

    if found.distances is None or found.atom:
        return found.distances
    with naming_options():
        return check_map(found.distances, **map_options(options)).distances


def _stages(distances: "np.ndarray | None") -> "dict[str, np.ndarray]":
    """The trace after each step; nothing where the map doesn't tell enough of one."""
    from distmat.geometry.reconstruction import reconstruct

    if distances is None:
        return {}
    try:
        backbone = reconstruct(distances, unit="Å", zeros_are_missing=False)
    except DistanceMapError as error:
        print(f"distmat: no backbone is drawn: {error}", file=sys.stderr)
        return {}
    return dict(backbone.stages)
