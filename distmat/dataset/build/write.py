"""Write the dataset, its card and the list of what was left out."""

import json
import os
from pathlib import Path
from typing import Any

from distmat.csv_table import write_table
from distmat.dataset.build.choose import Table
from distmat.dataset.build.settings import BuildSettings
from distmat.dataset.build.state import Progress, State
from distmat.dataset.card.files import write_card
from distmat.dataset.card.measure import make_card
from distmat.dataset.reading import REJECT_COLUMNS, Reject, rename
from distmat.dataset.sources import Listing
from distmat.dataset.store import DatasetWriter
from distmat.workspace import replace_file


def write(
    table: Table,
    plan: Listing,
    settings: BuildSettings,
    work: Path,
    target: Path,
    report: Progress,
) -> None:
    """Write dataset, card and rejects in the work folder, then put them in their places."""
    chosen = json.loads((work / "chosen.json").read_text(encoding="utf-8"))
    rejects = [*table.rejects, *(Reject(*row) for row in chosen["rejects"])]
    place = {row: number for number, row in enumerate(chosen["rows"])}
    n = len(place)
    report(State("write", 0, n, n, len(rejects)))
    new = work / "new.parquet"
    with replace_file(new) as file, DatasetWriter(file) as writer:
        for row, content in enumerate(table.rows()):
            number = place.get(row)
            if number is None:
                continue
            facts = {
                key: value
                for key, value in content.items()
                if key not in ("chain", "id", "length", "sequence", "ca")
            }
            for column in ("cluster", "group", "rep", "split"):
                facts[column] = chosen[column][number]
            writer.add(rename(content["chain"], table.names[row]), **facts)
    card = make_card(
        new,
        target.stem,
        _origin(plan),
        settings.as_dict(),
        rejects,
        chosen["leaks"],
        lambda done, total: report(State("write", done, total, n, len(rejects))),
    )
    write_card(card, new)
    with replace_file(work / "new.rejects.csv", "w") as file:
        write_table(file, REJECT_COLUMNS, (reject.row() for reject in rejects))
    # The dataset last: where it is, its card is, too.
    for suffix in (".json", ".md", ".rejects.csv", ".parquet"):
        os.replace(work / f"new{suffix}", target.with_name(f"{target.stem}{suffix}"))


def _origin(plan: Listing) -> dict[str, Any]:
    kinds = [item.kind for item in plan.items]
    return {
        "structure_files": kinds.count("file"),
        "pdb_entries": kinds.count("entry"),
        "json_files": kinds.count("json"),
        "datasets": len({item.path for item in plan.items if item.kind == "rows"}),
        "passed_over": plan.passed_over,
    }
