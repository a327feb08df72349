"""`distmat reconstruct`: the trace that a distance map implies."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distmat.cli.map_options import add_map_options, map_options, name_options
from distmat.errors import ConfigError, DistanceMapError, SequenceError

if TYPE_CHECKING:
    import numpy as np


def add_reconstruct(commands) -> None:
    """The command `distmat reconstruct`."""
    command = commands.add_parser(
        "reconstruct",
        help="the backbone that a distance map implies",
        description="Rebuild the Cα trace from a map of distances in Å, of any format that "
        "`distmat view` reads; side chains are not built. Of distances between Cβ atoms the trace "
        "is theirs.",
    )
    command.add_argument("map", type=Path, metavar="MAP", help="N×N distances")
    command.add_argument("--std", type=Path, metavar="STD.npy", help="N×N deviations")
    add_map_options(command)
    command.add_argument("--sequence", help="its letters, for the PDB file (default: all X)")
    command.add_argument("--out", type=Path, required=True, metavar="TRACE", help=".pdb or .cif")
    command.add_argument("--json", action="store_true", help="print what was done as JSON")
    command.set_defaults(run=_reconstruct)


def _reconstruct(options: argparse.Namespace) -> None:
    from distmat.geometry.reconstruction import reconstruct
    from distmat.protein.map_file import read_npy
    from distmat.protein.sequence import check_letters
    from distmat.protein.structure.write import write_mmcif, write_pdb
    from distmat.workspace import replace_file

    if options.out.suffix.lower() not in (".pdb", ".cif"):
        raise ConfigError(f"--out is '{options.out}'; its name must end in .pdb or .cif.")
    distances, known = _read_map(options)
    std = None if options.std is None else read_npy(options.std.read_bytes(), options.std.name)
    with name_options():
        backbone = reconstruct(distances, std=std, **map_options(options))
    n = len(backbone.coords)
    letters = check_letters(options.sequence) if options.sequence else known or "X" * n
    if len(letters) != n:
        raise SequenceError(f"--sequence has {len(letters)} residues, but the map has {n}.")
    write = write_mmcif if options.out.suffix.lower() == ".cif" else write_pdb
    with replace_file(options.out, "w") as file:
        file.write(write(letters, backbone.coords))
    if options.json:
        print(
            json.dumps(
                {
                    "residues": n,
                    "hand": backbone.hand,
                    "hand_confidence": float(backbone.hand_confidence),
                    "stress": float(backbone.stress),
                    "eigenvalue_share": float(backbone.eigenvalue_share),
                    "steps": list(backbone.steps),
                    "seconds": backbone.seconds,
                },
                indent=2,
            )
        )
        return
    print("\n".join(backbone.steps))
    print(f"Written to {options.out}.")


def _read_map(options: argparse.Namespace) -> "tuple[np.ndarray, str]":
    """The distances, and the sequence where the file has it."""
    from distmat.protein.foreign_map import read_foreign_map
    from distmat.protein.map_file import read_npy

    data, name = options.map.read_bytes(), options.map.name
    if data[:6] == b"\x93NUMPY" or name.lower().endswith(".npy"):
        # As it is: what the numbers mean is settled by the options and by the reconstruction.
        return read_npy(data, name), ""
    found = read_foreign_map(data, name, options.array)
    if found.distances is None:
        raise DistanceMapError(
            f"{name} holds {found.kind}, and no distances; a trace can't be rebuilt from them."
        )
    if found.atom == "Cβ":
        print(f"distmat: {name} speaks of Cβ atoms, and so does the trace.", file=sys.stderr)
    return found.distances, found.sequence
