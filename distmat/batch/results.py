"""What is known of many chains after predicting them: a table, and files beside it.

While the work goes on, each group of chains that is done lies in a file of its own, so that
whoever goes on after a kill predicts the others alone. Several processes can share a folder.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distmat import __version__
from distmat.batch.files import file_stems, write_prediction
from distmat.batch.inputs import Refused
from distmat.batch.stream import deal, expected_error
from distmat.csv_table import write_table
from distmat.documents import DocumentError, read_json
from distmat.errors import ConfigError, SequenceError
from distmat.export.formats import FORMATS
from distmat.export.restraints import DEFAULT_THRESHOLD
from distmat.export.source import Source
from distmat.prediction import Prediction
from distmat.protein.query import Query
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.trace_scores import TRACE_SCORES
from distmat.workspace import replace_file

TABLE, ARCHIVE = "results.csv", "results.zip"
_STATE = ".in-progress"
"""Folder of the groups that are done."""

_COLUMNS = (
    "name",
    "residues",
    "checkpoint",
    "expected_error",
    "template",
    "template_identity",
    "template_e_value",
    "hand",
    "hand_confidence",
    "stress",
    "verdict",
)


def check_formats(formats: Sequence[str]) -> None:
    """Raise a ConfigError if predictions can't be written as one of these."""
    if unknown := sorted(set(formats) - set(FORMATS)):
        raise ConfigError(
            f"There is no format '{unknown[0][:40]}'; there are {', '.join(FORMATS)}."
        )


@dataclass(frozen=True)
class Group:
    """Chains that are predicted together, and where goes what comes of them.

    Parameters
    ----------
    places : sequence of int
        Of the chains among all.
    queries : sequence of Query
    stems : sequence of str
        Names of each chain's files, without their endings.
    folder, state : Path
        For the files, and the file that says that the group is done.
    formats : sequence of str
    threshold : float
        As for `Results`.
    checkpoint : str
        Name of the one that predicts them.
    """

    places: Sequence[int]
    queries: Sequence[Query]
    stems: Sequence[str]
    folder: Path
    state: Path
    formats: Sequence[str]
    threshold: float
    checkpoint: str

    def __len__(self) -> int:
        return len(self.places)

    def keep(self, number: int, found: Prediction | SequenceError, **known: Any) -> dict[str, Any]:
        """Write a chain's files; returns its row of the table.

        Parameters
        ----------
        number : int
            Of the chain in this group.
        found : Prediction or SequenceError
        **known
            What else its files tell; see `Source`.
        """
        query = self.queries[number]
        row = {
            "place": self.places[number],
            "name": query.name,
            "residues": len(query.sequence),
        }
        if isinstance(found, SequenceError):
            return row | {"error": str(found)}
        row["checkpoint"] = self.checkpoint
        if self.formats:
            source = Source(found, self.checkpoint, threshold=self.threshold, **known)
            write_prediction(source, self.folder, self.stems[number], self.formats)
            row["files"] = self.stems[number]
        return row | _row(found)

    def close(self, rows: Sequence[dict[str, Any]]) -> None:
        """The group is done."""
        with replace_file(self.state, "w") as file:
            json.dump(list(rows), file)


class Results:
    """A folder that the predictions of some chains are written into.

    Parameters
    ----------
    folder : Path
    queries : sequence of Query
    checkpoints : sequence of str
        Name of the one that predicts each chain.
    formats : sequence of str
        Of `FORMATS`; none for the table alone.
    basis : sequence of str
        All else that predictions depend on, such as the age of the checkpoints.
    refused : sequence of Refused
        What could not be read, for the end of the table.
    threshold : float
        Å: the deviation up to which a pair makes a restraint, in formats of restraints.

    Attributes
    ----------
    groups : list of list of int
        Places of chains that are predicted together, by one checkpoint.
    stems : list of str
        Name of each chain's files, without their endings.

    Raises
    ------
    ConfigError
        If there is no such format.
    """

    def __init__(
        self,
        folder: Path,
        queries: Sequence[Query],
        checkpoints: Sequence[str],
        formats: Sequence[str],
        basis: Sequence[str] = (),
        refused: Sequence[Refused] = (),
        threshold: float = DEFAULT_THRESHOLD,
    ) -> None:
        check_formats(formats)
        self.folder, self.queries, self.formats = folder, queries, formats
        self.threshold = threshold
        self.basis, self.refused = basis, refused
        self.checkpoints = checkpoints
        self.groups = deal([len(query.sequence) for query in queries], checkpoints)
        self.stems = file_stems([query.name for query in queries])
        self._state = folder / _STATE / self._fingerprint()

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(
            repr((__version__, *self.basis, *self.formats, self.threshold)).encode()
        )
        for query, checkpoint in zip(self.queries, self.checkpoints, strict=True):
            digest.update(repr((query.name, query.sequence, checkpoint)).encode())
            digest.update(b"" if query.structure is None else query.structure.ca.tobytes())
        return digest.hexdigest()[:16]

    def begin(self) -> None:
        """Forget what was begun here with other chains or another checkpoint."""
        self._state.mkdir(parents=True, exist_ok=True)
        for other in self._state.parent.iterdir():
            if other != self._state:
                shutil.rmtree(other, ignore_errors=True)

    def left(self, part: int = 0, parts: int = 1) -> list[int]:
        """Numbers of the groups that aren't done, of every `parts`-th from the `part`-th on."""
        mine = range(part, len(self.groups), parts)
        return [number for number in mine if not self._path(number).exists()]

    def done(self) -> int:
        """How many chains are done, by whomever."""
        there = (n for n in range(len(self.groups)) if self._path(n).exists())
        return sum(len(self.groups[number]) for number in there)

    def group(self, number: int) -> Group:
        """One of the groups, with all that is needed to predict it elsewhere."""
        places = self.groups[number]
        return Group(
            places,
            [self.queries[place] for place in places],
            [self.stems[place] for place in places],
            self.folder,
            self._path(number),
            self.formats,
            self.threshold,
            self.checkpoints[places[0]],
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """The table's rows in the order of the chains.

        Raises
        ------
        SequenceError
            If a group's file is damaged.
        """
        found: dict[int, dict[str, Any]] = {}
        for number in range(len(self.groups)):
            try:
                found |= {row["place"]: row for row in read_json(self._path(number))}
            except (OSError, DocumentError, KeyError, TypeError):
                raise SequenceError(
                    f"{self._path(number)} is damaged; delete it and start again."
                ) from None
        for place in range(len(self.queries)):
            yield found[place]
        for refused in self.refused:
            yield {"name": refused.name, "error": refused.reason}

    def finish(
        self, with_archive: bool = False, keep_state: bool = False, with_table: bool = True
    ) -> bool:
        """Write the table, if all chains are done; whether they are.

        Parameters
        ----------
        with_archive : bool
            Also pack everything into `ARCHIVE`.
        keep_state : bool
            Because others that share the folder may still look.
        with_table : bool
            Of a single chain its own files say it all.
        """
        if self.done() < len(self.queries):
            return False
        if with_table:
            self._write_table(with_archive)
        if not keep_state:
            shutil.rmtree(self._state.parent, ignore_errors=True)
        return True

    def _write_table(self, with_archive: bool) -> None:
        rows = list(self.rows())
        scores = [key for key in _score_columns() if any(key in row for row in rows)]
        header = [*_COLUMNS, *scores, "files", "error"]
        with replace_file(self.folder / TABLE, "w") as file:
            write_table(file, header, rows)
        if with_archive:
            self._pack(rows)

    def _pack(self, rows: Sequence[dict[str, Any]]) -> None:
        made = [
            f"{row['files']}{FORMATS[key].suffix}"
            for row in rows
            if "files" in row
            for key in self.formats
        ]
        # What needs a structure was made only where there is one.
        names = [name for name in made if (self.folder / name).exists()]
        with (
            replace_file(self.folder / ARCHIVE, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        ):
            for name in (TABLE, *names):
                packed.write(self.folder / name, name)

    def _path(self, number: int) -> Path:
        return self._state / f"{number:06d}.json"


def _score_columns() -> list[str]:
    maps = [score.key for score in MAP_SCORES]
    return [*maps, *(f"baseline_{key}" for key in maps), *(f"trace_{s.key}" for s in TRACE_SCORES)]


def _row(prediction: Prediction) -> dict[str, Any]:
    """A chain's row: what the model says of itself, and scores where a structure is known."""
    backbone, compared = prediction.backbone, prediction.comparison
    row: dict[str, Any] = {
        "expected_error": round(expected_error(prediction), 2),
        "hand": backbone.hand,
        "hand_confidence": round(float(backbone.hand_confidence), 3),
        "stress": round(float(backbone.stress), 4),
    }
    if prediction.templates:
        best = prediction.templates[0]
        row["template"] = best.name
        row["template_identity"] = round(float(best.identity), 3)
        row["template_e_value"] = float(f"{best.e_value:.2g}")
    if compared is not None:
        row["verdict"] = compared.verdict.kind
        for prefix, scores in (
            ("", compared.model.as_dict()),
            ("baseline_", compared.baseline.as_dict()),
            ("trace_", compared.trace.as_dict()),
        ):
            row |= {f"{prefix}{key}": value for key, value in scores.items() if _is_number(value)}
    return row


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
