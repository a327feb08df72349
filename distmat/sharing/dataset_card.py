"""A dataset's card for the hub: the one beside it, with the front matter that the viewer needs."""

from pathlib import Path
from typing import Any

from distmat.dataset.card.files import read_card
from distmat.dataset.card.words import markdown

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


def dataset_card(path: Path, repository: str, license: str) -> str:
    """The card: the hub's front matter, then the text.

    Parameters
    ----------
    path : Path
        Of the Parquet file.
    repository : str
        ``user/name``.
    license : str
    """
    from huggingface_hub import DatasetCardData

    card = read_card(path)
    chains = card["chains"] if card else _count(path)
    data = DatasetCardData(
        license=license,
        pretty_name=path.stem,
        size_categories=next((words for most, words in _SIZES if chains < most), "n>1M"),
        task_categories=["other"],
        tags=["protein", "protein-structure", "distance-map", "biology"],
        # One file, whose column `split` tells train, val and test apart.
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": "chains", "path": f"{path.stem}.parquet"}],
            }
        ],
    )
    text = markdown(card) if card else f"# {path.stem}\n\n{chains:,} chains; it has no card.\n"
    return f"---\n{data.to_yaml()}\n---\n\n{text}\n{_use(path.stem, repository)}"


def _use(name: str, repository: str) -> str:
    lines: list[Any] = [
        "## Use it",
        "",
        "A row is a chain: `id`, `sequence`, and `ca`, x, y and z of every residue's Cα atom in Å "
        "(NaN where it wasn't observed); `split`, `cluster` and `rep` where they are known.",
        "",
        f"    hf download {repository} {name}.parquet --repo-type dataset --local-dir .",
        f"    distmat evaluate {name}.parquet --rep-only",
        "",
    ]
    return "\n".join(lines)


def _count(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)
