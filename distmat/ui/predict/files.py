"""What an uploaded file is taken for: a model of an ensemble, a structure for another sequence."""

from dataclasses import replace
from typing import Any

import streamlit as st

from distmat.errors import DistmatError
from distmat.protein.chain import Chain
from distmat.protein.query import Query, read_query_file, read_query_text
from distmat.protein.sequence import UNNAMED
from distmat.protein.structure.models import count_models, one_model
from distmat.protein.structure_fit import lay_structure


def ask_model(data: bytes, name: str) -> int:
    """Which model of an ensemble; the first where there is one, or none can be told."""
    try:
        models = count_models(data, name)
    except DistmatError:
        return 1
    if models < 2:
        return 1
    return st.selectbox(f"Model, one of {models}", range(1, models + 1), key="upload-model")


def read_model(file: Any, model: int, amino_acids: bool) -> list[Query]:
    """The chains of this model of an uploaded file."""
    data = file.getvalue()
    if model == 1:
        return read_query_file(data, file.name, amino_acids)
    queries = read_query_file(one_model(data, file.name, model), file.name, amino_acids)
    return [replace(query, name=f"{query.name}, model {model}") for query in queries]


def read_aligned(text: str, truth: Chain, amino_acids: bool) -> list[Query]:
    """A sequence with this structure aligned to it."""
    (first, *_) = read_query_text(text, amino_acids)
    laid = lay_structure(first.sequence, truth)
    title = truth.name if first.name == UNNAMED else first.name
    return [Query(f"{title}, aligned", first.sequence, laid.chain, laid.sentence())]
