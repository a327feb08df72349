"""What to predict: an example, a pasted sequence, a file or an entry's id."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from distmat.access import check_may_change, may_change
from distmat.dataset.fetch import fetch_entry, read_entry
from distmat.errors import DistmatError, NucleotideError, SequenceError
from distmat.history import recall
from distmat.protein.alignment import Alignment
from distmat.protein.chain import Chain, describe_model
from distmat.protein.examples import Example, examples
from distmat.protein.query import (
    SEQUENCE_SUFFIXES,
    STRUCTURE_SUFFIXES,
    Query,
    read_query_text,
)
from distmat.protein.sequence import UNNAMED, check_letters
from distmat.ui.markdown import escape, show_error
from distmat.ui.predict.checkpoint import LONGEST_NAME, ask_checkpoint, offered_checkpoints
from distmat.ui.predict.files import ask_model, read_aligned, read_model
from distmat.ui.predict.link import LONGEST_IN_ADDRESS, address, is_new_address, set_address

_EXAMPLE_COLUMNS = 4
_UNNAMED = "Pasted sequence"


@dataclass(frozen=True)
class PredictionRequest:
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
    note : str
        What was made of the input, where that isn't what it says word for word.
    alignment : Alignment, optional
        Of its relatives, where the input was one.
    """

    title: str
    sequence: str
    truth: Chain | None = None
    example: Example | None = None
    note: str = ""
    alignment: Alignment | None = None


def ask() -> tuple[PredictionRequest | None, str | None]:
    """Ask for a chain and a checkpoint; what was asked last stays until there is something new."""
    offered = offered_checkpoints()
    if not offered:
        st.warning("There is no checkpoint to predict with yet; train one on the Train page.")
        return None, None
    _follow_link()
    opened = st.session_state.get("request")
    with st.expander(
        "Predict another protein" if opened else "Choose a protein",
        expanded=opened is None,
        icon=":material/genetics:",
    ):
        names = ["Examples", "Paste a sequence", "Upload a file", "By its id"]
        example, paste, upload, by_id = st.tabs(names)
        with example:
            _show_examples()
        with paste:
            _show_form()
        with upload:
            _show_upload()
        with by_id:
            _show_fetch()
        checkpoint = ask_checkpoint(offered)
    if "problem" in st.session_state:
        _show_problem()
    if opened and opened.note:
        st.info(escape(opened.note), icon=":material/info:")
    return opened, checkpoint


def open_request(request: PredictionRequest) -> None:
    """Show the prediction of this chain from now on, with a view of its own."""
    _show(request)
    for part in ("view", "mutations"):
        st.query_params.pop(part, None)


def _show(request: PredictionRequest) -> None:
    st.session_state["request"] = request
    st.session_state.pop("problem", None)
    set_address(request_address(request))


def request_address(request: PredictionRequest) -> dict[str, str]:
    """What the address says of a request; nothing where it would take too much room."""
    if request.example:
        return {"example": request.example.key}
    own = request.truth is not None or request.alignment is not None
    if own or len(request.sequence) > LONGEST_IN_ADDRESS:
        return {}
    named = {} if request.title == _UNNAMED else {"name": request.title[:LONGEST_NAME]}
    return {"seq": request.sequence} | named


def _open_example(example: Example) -> None:
    chain = example.read()
    open_request(PredictionRequest(example.title, chain.sequence, chain, example))


def _follow_link() -> None:
    """Open what the page's address names, where that isn't what is open."""
    if not is_new_address():
        return
    named = address()
    try:
        _show(_linked(named))
    except DistmatError as error:
        st.session_state["problem"] = error
        # It is answered, and not tried again at every run of the page.
        st.session_state["address"] = named


def _linked(named: dict[str, str]) -> PredictionRequest:
    """The chain that an address names."""
    if "example" in named:
        known = {example.key: example for example in examples()}
        if named["example"] not in known:
            raise SequenceError(
                f"The link names the example '{named['example'][:LONGEST_NAME]}', which there "
                f"isn't; take one of: {', '.join(known)}."
            )
        example = known[named["example"]]
        chain = example.read()
        return PredictionRequest(example.title, chain.sequence, chain, example)
    title = named.get("name", _UNNAMED)[:LONGEST_NAME]
    if "seq" in named:
        return PredictionRequest(title, check_letters(named["seq"], "The link's sequence"))
    return recall_request(named.get("history", ""))


def recall_request(entry_id: str) -> PredictionRequest:
    """What was asked in a prediction of the history; errors as of `distmat.history.recall`.

    Raises
    ------
    AccessError
        If this visitor may only look: what others asked is theirs.
    """
    check_may_change("open what others have asked")
    entry, truth, alignment = recall(entry_id)
    note = "" if truth is None else describe_model(truth)
    return PredictionRequest(entry.title, entry.sequence, truth, note=note, alignment=alignment)


def _show_examples() -> None:
    st.caption(
        "Real proteins with a known structure. No relative of them (≥ 30 % identical residues) "
        "was in the training of the models that ship, so what you see is an honest prediction."
    )
    known = examples()
    # Row by row, so that the tab key goes as one reads.
    for first in range(0, len(known), _EXAMPLE_COLUMNS):
        columns = st.columns(_EXAMPLE_COLUMNS)
        for column, example in zip(columns, known[first:], strict=False):
            column.button(
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
            "spaces, line breaks and lower case don't matter. Of an alignment the first row is "
            "read.",
        )
        asked = st.form_submit_button("Predict", type="primary")
    if asked:
        _offer("paste", lambda amino_acids: read_query_text(text, amino_acids))
    _show_choice("paste", "record")


def _show_upload() -> None:
    file = st.file_uploader(
        "Sequence or structure file",
        key="upload",
        type=[*SEQUENCE_SUFFIXES, *STRUCTURE_SUFFIXES, "gz"],
        help="FASTA, or an alignment, whose first row is read; or PDB, mmCIF or BinaryCIF, "
        "whose own coordinates are then the truth to compare with. Each may be gzipped.",
    )
    if file is None:
        _forget_upload()
        return
    model = ask_model(file.getvalue(), file.name)
    if st.session_state.get("upload-seen") != (file.file_id, model):
        st.session_state["upload-seen"] = (file.file_id, model)
        with st.spinner("Reading the file"):
            _offer("upload", lambda amino_acids: read_model(file, model, amino_acids))
    _show_choice("upload", "chain")
    _show_aligned()


def _show_aligned() -> None:
    """Predict another sequence than the file's, and compare it with the file's structure."""
    requests: list[PredictionRequest] = st.session_state.get("upload-offer", [])
    known = [request for request in requests if request.truth is not None]
    if not known:
        return
    with st.expander("Predict another sequence, and compare it with this structure"):
        chosen = st.session_state.get("upload-choice", 0)
        request = known[chosen if chosen < len(known) else 0]
        with st.form("align", border=False):
            text = st.text_area(
                f"Sequence, to which {escape(request.title[:LONGEST_NAME])} is aligned",
                key="aligned",
                height=90,
                help="Of a mutant, a construct, a relative: the structure's residues are given "
                "their places in it.",
            )
            asked = st.form_submit_button("Align and predict")
        if asked and request.truth is not None:
            truth = request.truth
            _offer("align", lambda amino_acids: read_aligned(text, truth, amino_acids))


def _show_fetch() -> None:
    if not may_change():
        st.caption("This server is read-only and fetches nothing; upload the file instead.")
        return
    with st.form("fetch", border=False):
        text = st.text_input(
            "Id of the PDB or of AlphaFold DB",
            key="fetch-id",
            placeholder="1abc, 1abc_A or P00520",
            max_chars=40,
            width=320,
            help="The structure is fetched, kept in the workspace, and the truth to compare with. "
            "What comes from AlphaFold DB is a model, not an experiment.",
        )
        asked = st.form_submit_button("Fetch and predict", type="primary")
    if asked:
        with st.spinner(f"Fetching {escape(text[:40])}"):
            _offer("fetch", lambda amino_acids: read_entry(fetch_entry(text)))
    _show_choice("fetch", "chain")


def _forget_upload() -> None:
    if st.session_state.pop("upload-seen", None):
        st.session_state.pop("upload-offer", None)
        # What was wrong with the file goes with it.
        st.session_state.pop("problem", None)


def _request(query: Query) -> PredictionRequest:
    title = _UNNAMED if query.name == UNNAMED else query.name
    return PredictionRequest(
        title, query.sequence, query.structure, note=query.note, alignment=query.alignment
    )


def _offer(key: str, read: Callable[[bool], list[Query]]) -> None:
    """Open the only chain that was given; of several, let a person choose."""
    st.session_state.pop(f"{key}-offer", None)
    st.session_state["reread"] = lambda: _take(key, lambda: read(True))
    _take(key, lambda: read(False))
    if len(st.session_state.get(f"{key}-offer", ())) == 1:
        st.rerun()


def _take(key: str, read: Callable[[], list[Query]]) -> None:
    try:
        requests = [_request(query) for query in read()]
    except DistmatError as error:
        st.session_state["problem"] = error
        return
    st.session_state.pop("problem", None)
    st.session_state[f"{key}-offer"] = requests
    if len(requests) == 1:
        open_request(requests[0])


def _show_problem() -> None:
    problem = st.session_state["problem"]
    show_error(problem)
    if isinstance(problem, NucleotideError):
        st.button(
            "These are amino acids",
            key="amino-acids",
            icon=":material/arrow_forward:",
            help="Read the letters as a protein's all the same.",
            on_click=st.session_state["reread"],
        )


def _show_choice(key: str, what: str) -> None:
    """Let a person take one of the chains on offer, also once another protein was looked at."""
    requests = st.session_state.get(f"{key}-offer", [])
    index = 0
    if len(requests) > 1:
        index = st.selectbox(
            f"{what.capitalize()}, one of {len(requests)}",
            range(len(requests)),
            format_func=lambda index: _described(requests[index]),
            key=f"{key}-choice",
        )
    elif not requests or requests[0] is st.session_state.get("request"):
        return
    if st.button(f"Predict this {what}", key=f"{key}-predict", type="primary"):
        open_request(requests[index])
        st.rerun()


def _described(request: PredictionRequest) -> str:
    return f"{request.title[:LONGEST_NAME]} · {len(request.sequence):,} residues"
