"""`distmat align`: alignments of relatives, from a file of sequences on this machine."""

import argparse
import json
import tempfile
from pathlib import Path

from distmat.errors import ConfigError


def add_align(commands) -> None:
    """The command `distmat align`."""
    command = commands.add_parser(
        "align",
        help="gather a chain's natural relatives as an alignment",
        description="Search a file of natural sequences for the relatives of chains by MMseqs2, "
        "and write an alignment (A3M) of each; 'distmat predict' reads it.",
    )
    command.add_argument("input", metavar="SEQ|FASTA|STRUCTURE", help="as for 'distmat predict'")
    command.add_argument(
        "sequences",
        type=Path,
        metavar="SEQUENCES",
        help="FASTA, or Parquet with a column 'sequence'",
    )
    command.add_argument(
        "--out",
        "-o",
        type=Path,
        required=True,
        metavar="A3M|DIR",
        help="a file; of several chains a folder, with a file for each",
    )
    command.add_argument("--workers", type=int, default=2, metavar="N", help="processes")
    command.add_argument("--json", action="store_true", help="print what was found as JSON")
    command.set_defaults(run=_align)


def _align(options: argparse.Namespace) -> None:
    from distmat.batch.files import file_stems
    from distmat.batch.inputs import read_inputs
    from distmat.library.align import align_relatives
    from distmat.protein.alignment import read_alignment
    from distmat.protein.query import read_query_text
    from distmat.workspace import replace_file

    path = Path(options.input)
    queries = read_inputs([path])[0] if path.exists() else read_query_text(options.input)
    if len(queries) > 1 and options.out.suffix:
        raise ConfigError(
            f"--out is the file '{options.out}', but there are {len(queries)} chains; name a "
            "folder."
        )
    with tempfile.TemporaryDirectory(prefix="distmat-align-") as folder:
        chains = [query.sequence for query in queries]
        texts = align_relatives(chains, options.sequences, Path(folder) / "work", options.workers)
    told = []
    for query, stem, text in zip(
        queries, file_stems([query.name for query in queries]), texts, strict=True
    ):
        output = options.out if options.out.suffix else options.out / f"{stem}.a3m"
        output.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(output, "w") as file:
            file.write(text)
        alignment = read_alignment(text, sure=True)
        assert alignment is not None  # noqa: S101  (an A3M file is one)
        told.append({"name": query.name, "file": str(output), **alignment.as_dict()})
        if not options.json:
            print(f"{output}: {query.name}. {alignment.sentence()}")
    if options.json:
        print(json.dumps(told, indent=2))
