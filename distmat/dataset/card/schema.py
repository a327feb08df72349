"""What a card may hold; everything is checked here, once, before it is used."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Count = Annotated[int, Field(ge=0)]
Words = Annotated[str, Field(max_length=10_000)]
Counts = Annotated[list[Count], Field(max_length=1_000_000)]
Step = Annotated[float, Field(gt=0)]


class _Entry(BaseModel):
    """Others may add what they like; nothing here reads it."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class _Split(_Entry):
    chains: Count
    residues: Count
    clusters: Count
    groups: Count


class _Rejects(_Entry):
    chains: Count
    by_reason: dict[Words, Count]


class _Lengths(_Entry):
    shortest: Count
    median: float
    longest: Count
    bin_width: Annotated[int, Field(gt=0)]
    counts: dict[Words, Counts]

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len({len(counts) for counts in self.counts.values()}) != 1:
            raise ValueError("counts has splits with other bins than the others")
        return self


class _Distances(_Entry):
    pairs: Count
    mean: float = 0.0
    std: float = 0.0
    median: float = 0.0
    smallest: float = 0.0
    largest: float = 0.0
    bin_width: Step = 2.0
    counts: Counts = []

    @model_validator(mode="after")
    def _fit(self) -> Self:
        lacking = sorted(set(type(self).model_fields) - self.model_fields_set)
        if self.pairs and lacking:
            raise ValueError(f"it has pairs and no {lacking[0]}")
        return self


class _Gyration(_Entry):
    mean: float
    mean_ratio: float
    bin_width: Step
    counts: Counts


class _Content(_Entry):
    helix: float
    strand: float
    other: float


class _Observed(_Entry):
    missing_share: float
    breaks: Count
    methods: dict[Words, Count]
    median_resolution: float | None
    broken_chains: dict[Words, Words] = {}


class _Clusters(_Entry):
    clusters: Count
    alone: Count
    largest_cluster: Count
    groups: Count
    largest_group: Count


class _Leaks(_Entry):
    words: Words = ""
    held_out_chains: Count = 0
    relatives: Count = 0
    highest_identity: float | None = None
    pair: Annotated[list[Words], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        lacking = {"relatives", "highest_identity"} - self.model_fields_set
        if self.highest_identity is not None and self.pair is None:
            lacking.add("pair")
        if self.held_out_chains and not self.words and lacking:
            raise ValueError(f"it has chains held out and no {min(lacking)}")
        return self


class _Scores(_Entry):
    """Those of the first cards, and whatever scores there have been since."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]

    mae: float | None
    rmse: float | None
    pearson: float | None
    lddt: float | None
    long_precision: float | None


class _Baselines(_Entry):
    fitted_on: Count
    scored_on: Count
    scores: dict[Words, _Scores] = {}


class _Homologues(_Entry):
    homologues: Count
    sequences: Words
    with_homologues: Count
    chains: Count
    held_back: Count


class _Card(_Entry):
    name: Words
    chains: Count
    residues: Count
    fingerprint: Words
    splits: dict[Words, _Split]
    origin: dict[str, Any]
    sources: Count
    settings: dict[str, Any]
    rejects: _Rejects
    lengths: _Lengths
    distances: _Distances
    gyration: _Gyration
    secondary_structure: _Content
    composition: dict[Words, Annotated[float, Field(ge=0, le=1)]]
    observed: _Observed
    clusters: _Clusters
    leaks: _Leaks
    baselines: _Baselines
    homologues: _Homologues | None = None


def card_fault(content: Any) -> str:
    """What is wrong with a card, as the part of a sentence; ``""`` if nothing is.

    Parameters
    ----------
    content : object
        As `distmat.documents.read_json` gives it.
    """
    try:
        _Card.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part)[:40] for part in fault["loc"])
        what = fault["msg"].removeprefix("Value error, ")
        return f"{place}: {what}" if place else what
    return ""
