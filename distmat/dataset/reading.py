"""From an item to rows of a dataset, or to the reasons why not; what a worker process does."""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.download import cached_path
from distmat.dataset.filters import Filters, measure, refusal
from distmat.dataset.published_json import read_samples
from distmat.dataset.sources import Item
from distmat.dataset.store import stream_rows
from distmat.errors import DistmatError, StructureError
from distmat.geometry.secondary_structure import structure_content
from distmat.protein.chain import Chain
from distmat.protein.structure.read import read_entry_bytes
from distmat.protein.structure.sniff import MAX_BYTES

REJECT_COLUMNS = ("id", "source", "reason", "detail")


@dataclass(frozen=True)
class Reject:
    """What was left out, and why.

    Parameters
    ----------
    id : str
        The chain's name; ``""`` for a whole file.
    source : str
        The file or entry that it is of.
    reason : str
        A few words, the same for all that were left out alike.
    detail : str
        A sentence.
    """

    id: str
    source: str
    reason: str
    detail: str

    def row(self) -> list[str]:
        """In the order of `REJECT_COLUMNS`."""
        return [self.id, self.source, self.reason, self.detail]


@dataclass(frozen=True)
class Row:
    """A chain that is kept, and what is known of it.

    Parameters
    ----------
    chain : Chain
    facts : dict
        Values of the columns of `distmat.dataset.schema.schema` by name.
    """

    chain: Chain
    facts: dict[str, Any]


def read_item(
    item: Item, filters: Filters, failed: dict[str, str] | None = None
) -> Iterator[Row | Reject]:
    """Read everything that an item holds.

    Parameters
    ----------
    item : Item
    filters : Filters
    failed : dict, optional
        Entries that couldn't be downloaded, and why.

    Yields
    ------
    Row or Reject
        One for each chain, or one for the whole item.
    """
    if item.kind == "json":
        yield from _of_samples(item, filters)
        return
    if item.kind == "unknown":
        detail = "No entry of the Protein Data Bank is called so, and nothing else says what it is."
        yield Reject(item.label, item.path, "no PDB id", detail)
        return
    if item.kind == "rows":
        yield from _of_rows(item, filters)
        return
    if item.kind == "entry" and item.path in (failed or {}):
        yield Reject("", item.label, "not downloaded", (failed or {})[item.path])
        return
    try:
        entry = _entry(item)
    except DistmatError as error:
        yield Reject("", item.label, "unreadable", str(error))
        return
    chains = {chain.name: chain for chain in entry.chains}
    for name in item.chains:
        if name not in chains:
            there = ", ".join(list(chains)[:20])
            detail = f"The entry has no protein chain of that name; it has {there}."
            yield Reject(name, item.label, "no such chain", detail)
    for name, chain in chains.items():
        if not item.chains or name in item.chains:
            yield _judge(chain, item.label, entry.resolution, entry.method, entry.title, filters)


def _entry(item: Item):
    path = cached_path(item.path) if item.kind == "entry" else Path(item.path)
    name = f"{item.path}.bcif.gz" if item.kind == "entry" else Path(item.label.split(":")[-1]).name
    try:
        if not path.is_file():
            raise StructureError(f"{name} is no file, or is gone; check it.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise StructureError(
                f"{name} has {size / 2**20:,.0f} MiB, and {MAX_BYTES // 2**20} is the most that "
                "is read; give the chain you need alone."
            )
        data = path.read_bytes()
    except OSError as error:
        raise StructureError(f"{name} can't be read ({error.strerror}).") from None
    entry = read_entry_bytes(data, name)
    if len(data) > 2**24:
        # Of a large file much is left behind, and the next may be as large.
        gc.collect()
    return entry


def _of_samples(item: Item, filters: Filters) -> Iterator[Row | Reject]:
    try:
        for sample in read_samples(Path(item.path)):
            if sample.chain is None:
                yield Reject(sample.name, item.label, "unreadable", sample.fault)
            else:
                yield _judge(sample.chain, item.label, sample.resolution, "", "", filters)
    except DistmatError as error:
        yield Reject("", item.label, "unreadable", str(error))
    except OSError as error:
        detail = f"{item.label} can't be read ({error.strerror})."
        yield Reject("", item.label, "unreadable", detail)


def _of_rows(item: Item, filters: Filters) -> Iterator[Row | Reject]:
    columns = ("resolution", "method", "title", "source")
    for row in islice(stream_rows(Path(item.path), columns), *item.rows):
        resolution = row.get("resolution")
        yield _judge(
            row["chain"],
            row.get("source") or item.label,
            None if resolution is None or np.isnan(resolution) else float(resolution),
            row.get("method") or "",
            row.get("title") or "",
            filters,
        )


def _judge(
    chain: Chain,
    source: str,
    resolution: float | None,
    method: str,
    title: str,
    filters: Filters,
) -> Row | Reject:
    measures = measure(chain)
    refused = refusal(chain, measures, resolution, method, filters)
    if refused:
        return Reject(chain.name, source, *refused)
    helix, strand = structure_content(chain)
    facts = {
        "resolution": resolution,
        "method": method or None,
        "title": title[:300] or None,
        "source": source,
        "missing": measures.missing,
        "breaks": measures.breaks,
        "rg": measures.gyration,
        "helix": helix,
        "strand": strand,
    }
    return Row(chain, facts)


def make_unique(names: Sequence[str]) -> list[str]:
    """The same names; those that come again get a number: ``1abc_A``, ``1abc_A.2``."""
    taken: dict[str, int] = {}
    known = set(names)
    found = []
    for name in names:
        number = taken.get(name, 0) + 1
        new = name if number == 1 else f"{name}.{number}"
        # Someone may be called so already.
        while number > 1 and new in known:
            number += 1
            new = f"{name}.{number}"
        taken[name] = number
        known.add(new)
        found.append(new)
    return found


def rename(chain: Chain, name: str) -> Chain:
    """The chain under another name."""
    return chain if chain.name == name else replace(chain, name=name)
