"""What to predict, and with which checkpoint: an example, a pasted sequence or a file."""

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from distmat.errors import DistmatError, SequenceError
from distmat.protein.chain import Chain
from distmat.protein.examples import Example, examples
from distmat.protein.sequence import read_sequences
from distmat.protein.structure_file import read_structure_bytes
from distmat.ui.markdown import show_error
from distmat.workspace import list_checkpoints

SEQUENCE_TYPES = ("fasta", "fa", "faa", "seq", "txt")
STRUCTURE_TYPES = ("pdb", "ent", "cif", "mmcif", "bcif")

_EXAMPLE_COLUMNS = 4
_LONGEST_NAME = 60
"""Letters of a name that are shown."""

_LONGEST_TEXT = 16 * 2**20
"""Bytes of a sequence file that are read; ten thousand chains have fewer."""


@dataclass(frozen=True)
class Question:
    """A chain to predict.

    Parameters
    ----------
    title : str
        What a person calls it; may hold anything.
    sequence : str
    truth : Chain, optional
        Its known structure.
    example : Example, optional
        The built-in protein that it is.
    """

    title: str
    sequence: str
    truth: Chain | None = None
    example: Example | None = None


def ask() -> tuple[Question | None, str | None]:
    """Ask for a chain and a checkpoint; what was asked last stays until there is something new."""
    known = _checkpoints()
    if not known:
        st.warning("There is no checkpoint to predict with yet; train one on the Train page.")
        return None, None
    _follow_link()
    opened = st.session_state.get("question")
    with st.expander(
        "Predict another protein" if opened else "Choose a protein",
        expanded=opened is None,
        icon=":material/genetics:",
    ):
        example, paste, upload = st.tabs(["Examples", "Paste a sequence", "Upload a file"])
        with example:
            _show_examples()
        with paste:
            _show_form()
        with upload:
            _show_upload()
        checkpoint = st.selectbox(
            "Checkpoint",
            known,
            key="checkpoint",
            help="A trained model: those that ship with the project, then your own.",
            width=320,
        )
    if "problem" in st.session_state:
        show_error(st.session_state["problem"])
    return opened, checkpoint


def _checkpoints() -> list[str]:
    """Those of the workspace, and those that other pages wanted to be opened here."""
    opened = st.session_state.setdefault("opened-checkpoints", [])
    wanted = st.session_state.pop("checkpoint-to-open", None)
    if wanted:
        st.session_state["checkpoint"] = wanted
        if wanted not in opened:
            opened.append(wanted)
    return list(dict.fromkeys([*list_checkpoints(), *opened]))


def _open(question: Question) -> None:
    st.session_state["question"] = question
    st.session_state.pop("problem", None)
    st.session_state["link"] = question.example.key if question.example else None
    if question.example:
        st.query_params["example"] = question.example.key
    else:
        st.query_params.pop("example", None)


def _open_example(example: Example) -> None:
    chain = example.read()
    _open(Question(example.title, chain.sequence, chain, example))


def _follow_link() -> None:
    """Open the example that the page's address names."""
    wanted = st.query_params.get("example")
    if not wanted or wanted == st.session_state.get("link"):
        return
    st.session_state["link"] = wanted
    known = {example.key: example for example in examples()}
    if wanted in known:
        _open_example(known[wanted])
    else:
        st.session_state["problem"] = SequenceError(
            f"The link names the example '{wanted[:_LONGEST_NAME]}', which there isn't; "
            f"take one of: {', '.join(known)}."
        )


def _show_examples() -> None:
    st.caption(
        "Real proteins with a known structure. No relative of them (≥ 30 % identical residues) "
        "was in the training of the models that ship, so what you see is an honest prediction."
    )
    columns = st.columns(_EXAMPLE_COLUMNS)
    for index, example in enumerate(examples()):
        columns[index % _EXAMPLE_COLUMNS].button(
            f"**{example.title}**  \n:small[{example.fold}]",
            key=f"example-{example.key}",
            help=f"{example.note[0].upper()}{example.note[1:]}.",
            on_click=_open_example,
            args=(example,),
            width="stretch",
        )


def _show_form() -> None:
    with st.form("paste", border=False):
        text = st.text_area(
            "Sequence",
            key="pasted",
            placeholder=">name\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ…",
            height=140,
            help="One-letter codes, plain or as FASTA with one or many records; "
            "spaces, line breaks and lower case don't matter.",
        )
        asked = st.form_submit_button("Predict", type="primary")
    if asked:
        _offer("paste", lambda: _records(text))
    _show_choice("paste", "record")


def _show_upload() -> None:
    file = st.file_uploader(
        "Sequence or structure file",
        key="upload",
        type=[*SEQUENCE_TYPES, *STRUCTURE_TYPES, "gz"],
        help="FASTA; or PDB, mmCIF or BinaryCIF, whose own coordinates are then the truth to "
        "compare with. Each may be gzipped.",
    )
    if file is None:
        _forget_upload()
        return
    if st.session_state.get("upload-seen") != file.file_id:
        st.session_state["upload-seen"] = file.file_id
        with st.spinner("Reading the file"):
            _offer("upload", lambda: _chains(file.getvalue(), file.name))
    _show_choice("upload", "chain")


def _forget_upload() -> None:
    if st.session_state.pop("upload-seen", None):
        st.session_state.pop("upload-offer", None)
        # What was wrong with the file goes with it.
        st.session_state.pop("problem", None)


def _records(text: str) -> list[Question]:
    named = text.lstrip().startswith(">")
    return [
        Question(record.name if named else "Pasted sequence", record.letters)
        for record in read_sequences(text)
    ]


def _chains(data: bytes, filename: str) -> list[Question]:
    """The records of a sequence file, or the chains of a structure file."""
    if filename.lower().removesuffix(".gz").endswith(SEQUENCE_TYPES):
        return _records(_text(data, filename))
    chains = read_structure_bytes(data, filename)
    return [Question(chain.name, chain.sequence, chain) for chain in chains]


def _text(data: bytes, filename: str) -> str:
    try:
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(_LONGEST_TEXT + 1)
        if len(data) <= _LONGEST_TEXT:
            return data.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        raise SequenceError(f"{filename} is no text; give a FASTA file.") from None
    raise SequenceError(
        f"{filename} has more than {_LONGEST_TEXT // 2**20} MiB of text; give the sequences "
        "that you need alone."
    )


def _offer(key: str, read: Callable[[], list[Question]]) -> None:
    """Open the only chain that was given; of several, let a person choose."""
    st.session_state.pop(f"{key}-offer", None)
    try:
        questions = read()
    except DistmatError as error:
        st.session_state["problem"] = error
        return
    st.session_state.pop("problem", None)
    st.session_state[f"{key}-offer"] = questions
    if len(questions) == 1:
        _open(questions[0])
        st.rerun()


def _show_choice(key: str, what: str) -> None:
    """Let a person take one of the chains on offer, also once another protein was looked at."""
    questions = st.session_state.get(f"{key}-offer", [])
    index = 0
    if len(questions) > 1:
        index = st.selectbox(
            f"{what.capitalize()}, one of {len(questions)}",
            range(len(questions)),
            format_func=lambda index: _described(questions[index]),
            key=f"{key}-choice",
        )
    elif not questions or questions[0] is st.session_state.get("question"):
        return
    if st.button(f"Predict this {what}", key=f"{key}-predict", type="primary"):
        _open(questions[index])
        st.rerun()


def _described(question: Question) -> str:
    return f"{question.title[:_LONGEST_NAME]} · {len(question.sequence):,} residues"
