"""`distmat view`: anyone's map in the linked explorer, and in numbers."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distmat.cli.map_options import add_map_options, map_options, name_options
from distmat.errors import ConfigError, DistanceMapError

if TYPE_CHECKING:
    from distmat.geometry.reconstruction import Reconstruction
    from distmat.given_map import Fit, GivenMap
    from distmat.scoring.map_comparison import MapDifference, StructureComparison

_ATOMS = {"CA": "Cα", "CB": "Cβ"}


def add_view(commands) -> None:
    """The command `distmat view`."""
    command = commands.add_parser(
        "view",
        help="look at anyone's distance or contact map, beside its structure or another map",
        description="Write one HTML file with the map and the backbone that it implies, linked; it "
        "needs no server and no network. Read are AlphaFold 3's, ESMFold's and Boltz's distograms, "
        "AlphaFold 3's contact_probs, trRosetta's NPZ, CASP's RR (modes 1 and 2), lists of contacts"
        " and of scores (CCMpred, plmDCA, EVfold, FreeContact, GREMLIN, PconsC), NPY, NPZ, CSV, "
        "text, and what distmat writes, told apart by what they hold. "
        "With a structure or another map it is scored against that.",
    )
    command.add_argument("map", type=Path, metavar="MAP", help="file of a map")
    add_map_options(command)
    command.add_argument(
        "--atom",
        choices=tuple(_ATOMS),
        help="between which atoms it is, where the file doesn't say (compared by Cα otherwise)",
    )
    command.add_argument(
        "--structure", type=Path, help="structure file to compare with, by the map's atoms"
    )
    command.add_argument("--chain", help="its chain (default: the first of the map's length)")
    command.add_argument(
        "--against", type=Path, metavar="MAP", help="another map of the chain to compare with"
    )
    command.add_argument("--against-array", metavar="NAME", help="which array of an NPZ file")
    command.add_argument("--out", type=Path, metavar="PAGE.html")
    command.add_argument("--json", action="store_true", help="print the numbers as JSON")
    command.set_defaults(run=_view)


def _view(options: argparse.Namespace) -> None:
    from distmat.given_map import compare_given, fit_structure, numbers

    if options.out is None and not options.json:
        raise ConfigError("Give --out PAGE.html for a page, --json for numbers, or both.")
    if options.out is not None and options.out.suffix.lower() != ".html":
        raise ConfigError(f"--out is '{options.out}'; its name must end in .html.")
    given = _open(options.map, options.array, options)
    against = _open(options.against, options.against_array, options) if options.against else None
    fit = None
    if options.structure:
        data, name = options.structure.read_bytes(), options.structure.name
        fit = fit_structure(given, data, name, options.chain)
    difference = None if against is None else compare_given(given, against)
    backbone, why_none = _rebuilt(given)
    if options.out:
        _write(options, given, fit, against, backbone)
    if options.json:
        print(json.dumps(numbers(given, fit, against, difference, backbone), indent=2))
        return
    if why_none:
        print(f"distmat: no backbone is drawn: {why_none}", file=sys.stderr)
    print(f"{given.describe()}. Written to {options.out}.")
    for note in given.notes():
        print(f"  {note}")
    if fit is not None:
        print("\n".join(_against_structure(fit.comparison, options.structure.name)))
    if against is not None and difference is not None:
        print("\n".join(_against_map(given, against, difference)))


def _open(path: Path, array: str | None, options: argparse.Namespace) -> "GivenMap":
    from distmat.given_map import open_map

    atom = _ATOMS.get(options.atom, "")
    with name_options():
        return open_map(path.read_bytes(), path.name, array, atom=atom, **map_options(options))


def _rebuilt(given: "GivenMap") -> "tuple[Reconstruction | None, str]":
    """The trace, or why there is none."""
    from distmat.given_map import rebuild

    if given.content.distances is None:
        return None, ""
    try:
        return rebuild(given), ""
    except DistanceMapError as error:
        return None, str(error)


def _write(
    options: argparse.Namespace,
    given: "GivenMap",
    fit: "Fit | None",
    against: "GivenMap | None",
    backbone: "Reconstruction | None",
) -> None:
    from distmat.figures.explorer import standalone_page
    from distmat.given_map import given_scene
    from distmat.workspace import replace_file

    scene = given_scene(given, options.map.stem, fit, against, backbone)
    with replace_file(options.out, "w") as file:
        file.write(standalone_page(scene))


def _against_structure(comparison: "StructureComparison", name: str) -> list[str]:
    from distmat.scoring.map_scores import MAP_SCORES
    from distmat.scoring.registry import label_score

    lines = [f"Against {name}, {comparison.model.pairs:,} pairs:"]
    if comparison.verdict.kind != "unknown":
        lines.append(f"  {comparison.verdict.sentence()}")
    lines.append(f"  {'':<32}{'map':>10}{'separation only':>18}")
    for score in MAP_SCORES.list_shown("table"):
        if score.key in comparison.model.values:
            values = (comparison.model.values[score.key], comparison.baseline.values[score.key])
            label = label_score(score, comparison.model.values)
            lines.append(f"  {label:<32}{score.number(values[0]):>10}{score.number(values[1]):>18}")
    if comparison.beyond:
        lines.append(
            f"  {comparison.beyond:,} pairs are only said to be {comparison.farthest:.1f} Å or "
            f"more apart: true of {comparison.beyond_right:.0%}."
        )
    return lines


def _against_map(given: "GivenMap", against: "GivenMap", difference: "MapDifference") -> list[str]:
    lines = [f"Against {against.name}:"]
    if given.atom != against.atom:
        lines.append(f"  One is between {given.atom}, the other between {against.atom} atoms.")
    if difference.pairs:
        lines.append(
            f"  {difference.pairs:,} distances differ by {difference.mae:.2f} Å on average "
            f"(mean {difference.mean:+.2f}, r {difference.pearson:.3f}).".replace("-", "−")
        )
    lines.append(
        f"  Contacts with |i − j| ≥ 6: {difference.both:,} in both, {difference.only_first:,} in "
        f"{given.name} alone, {difference.only_second:,} in {against.name} alone."
    )
    return lines
