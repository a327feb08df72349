"""Small PDB files, written record by record."""

import numpy as np


def helix(n: int) -> np.ndarray:
    """Cα atoms of an ideal α-helix: 2.3 Å, 100° and 1.5 Å per residue."""
    turn = np.deg2rad(100) * np.arange(n)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(n)], axis=1)


def atom(
    number, name="ALA", at=0, atom="CA", chain="A", insertion=" ", altloc=" ", occupancy="1.00",
    record="ATOM", element="C", shift=0.0, segment="",
):  # fmt: skip
    """A PDB record of an atom at the helix's position `at`."""
    x, y, z = helix(at + 1)[at] + shift
    label = f" {atom:<3}" if len(element) == 1 and len(atom) < 4 else f"{atom:<4}"
    # A fourth letter of the residue's name and a second of the chain's share a column.
    whose = f"{name:<4}{chain}" if len(name) == 4 else f"{name:>3}{chain:>2}"
    return (
        f"{record:<6}{1:>5} {label}{altloc}{whose}{number:>4}{insertion}   "
        f"{x:8.3f}{y:8.3f}{z:8.3f}{occupancy:>6}{'0.00':>6}      {segment:<4}{element:>2}"
    )


def lines(*records) -> bytes:
    flat = [
        line for record in records for line in ([record] if isinstance(record, str) else record)
    ]
    return ("\n".join(flat) + "\n").encode()


def chain_of(names, chain="A", first=1, **options):
    return [
        atom(first + index, name, index, chain=chain, **options) for index, name in enumerate(names)
    ]


def seqres(names, chain="A"):
    return [
        f"SEQRES {at // 13 + 1:>3} {chain} {len(names):>4}  {' '.join(names[at : at + 13])}"
        for at in range(0, len(names), 13)
    ]
