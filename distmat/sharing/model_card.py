"""A model's card for the hub: what it is, how good beside knowing nothing, how to use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distmat import __version__
from distmat.documents import DocumentError, read_json
from distmat.errors import CheckpointError
from distmat.scoring.map_scores import MAP_SCORES

EVALUATION = "evaluation.json"
"""Scores of the final weights, in a run's folder."""


@dataclass(frozen=True)
class ModelFacts:
    """What a card tells.

    Parameters
    ----------
    name : str
    repository : str
        ``user/name``.
    config : mapping
        The settings that it was trained with; empty where they aren't known.
    trained_on : mapping
        Datasets, numbers of chains, steps.
    evaluation : mapping
        Scores of model and baseline with intervals, on the validation chains; empty without.
    base_model : str or None
        The encoder's name on the hub, where it is one of others.
    datasets : tuple of str
        On the hub.
    license : str
    """

    name: str
    repository: str
    config: Mapping[str, Any] = field(default_factory=dict)
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    base_model: str | None = None
    datasets: tuple[str, ...] = ()
    license: str = "other"


def model_facts(
    folder: Path, name: str, repository: str, datasets: tuple[str, ...], license: str
) -> ModelFacts:
    """What a checkpoint's folder tells of itself.

    Raises
    ------
    CheckpointError
        If it is no checkpoint of distmat's.
    """
    network = _document(folder / "config.json")
    companion = _document(folder / "distmat.json")
    if network.get("model_type") != "distmat" or not companion:
        raise CheckpointError(
            f"{folder} is no trained model of distmat's; push a run that has finished, one of its "
            "checkpoints, or a folder that 'distmat train' wrote."
        )
    encoder = str(network.get("encoder_name") or "")
    is_of_hub = bool(network.get("pretrained")) and "/" in encoder and not Path(encoder).exists()
    return ModelFacts(
        name=name,
        repository=repository,
        config=_document(folder / "training_config.json"),
        trained_on=companion.get("trained_on") or {},
        evaluation=_document(folder / EVALUATION),
        base_model=encoder if is_of_hub else None,
        datasets=datasets,
        license=license,
    )


def model_card(facts: ModelFacts) -> str:
    """The card: the hub's front matter, then the text.

    Parameters
    ----------
    facts : ModelFacts
    """
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        license=facts.license,
        library_name="distmat",
        base_model=facts.base_model,
        datasets=list(facts.datasets) or None,
        tags=["protein", "distance-map", "distogram", "structure-prediction", "biology"],
        metrics=["mae", "rmse"] if facts.evaluation else None,
        model_name=facts.name,
        eval_results=_results(facts) or None,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_text(facts)}"


def _results(facts: ModelFacts) -> list[Any]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="other",
            task_name="protein distance map prediction",
            dataset_type=facts.datasets[0] if facts.datasets else "validation chains",
            dataset_name=f"{facts.evaluation['chains']} validation chains",
            dataset_split="val",
            metric_type=key,
            metric_name=f"{title}{f' (95 % interval {interval})' if interval else ''}, knowing "
            f"only the separation {baseline}",
            metric_value=value,
        )
        for key, title, value, interval, baseline in _rows(facts.evaluation)
    ]


def _rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, float, str, str]]:
    """Key, title, value, interval and the baseline's number of each score that was taken."""
    if not evaluation:
        return []
    model, baseline = evaluation["model"], evaluation["baseline"]
    intervals = evaluation.get("interval") or {}
    rows = []
    for score in MAP_SCORES.list_shown("table"):
        value, other = model.get(score.key), baseline.get(score.key)
        if value is None or other is None:
            continue
        low_high = intervals.get(score.key)
        interval = " – ".join(score.number(bound) for bound in low_high) if low_high else ""
        rows.append((score.key, score.column, float(value), interval, score.number(other)))
    return rows


def _text(facts: ModelFacts) -> str:
    lines = [
        f"# {facts.name}",
        "",
        "Predicts the distances between all residues' Cα atoms from a protein's sequence, with a "
        f"standard deviation for each pair; trained with distmat {__version__}.",
        "",
        "## How good it is",
        "",
    ]
    rows = _rows(facts.evaluation)
    if rows:
        lines += [
            f"On {facts.evaluation['chains']} validation chains, by which the checkpoint was "
            "chosen: of chains that chose nothing, expect a little less. Means over chains; the "
            "interval is what the mean varies by when chains are drawn again (bootstrap).",
            "",
            "| score | model | 95 % interval | knowing only the separation |",
            "|---|---|---|---|",
            *(
                f"| {title} | {MAP_SCORES[key].number(value)} | {interval or '–'} | {baseline} |"
                for key, title, value, interval, baseline in rows
            ),
        ]
    else:
        lines.append("It wasn't evaluated at the end of its training.")
    lines += ["", "## What it was trained on", "", "| | |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {_cell(v)} |" for name, v in facts.trained_on.items()]
    if facts.base_model:
        lines.append(f"| encoder | {facts.base_model} |")
    for name in ("mode", "head", "max_steps", "learning_rate", "optimizer", "seed"):
        if name in facts.config:
            lines.append(f"| {name.replace('_', ' ')} | {_cell(facts.config[name])} |")
    lines += [
        "",
        "The sequences of its training chains travel with it (`training_sequences.parquet`), so "
        "that a prediction says whether the chain or a relative was among them.",
        "",
        "## Use it",
        "",
        "```python",
        "import distmat",
        "",
        f'predictor = distmat.load("hf://{facts.repository}")',
        'predicted = predictor.predict("MKTAYIAKQRQISFVKSHFSRQ")  # .distances, .std in Å',
        "```",
        "",
        f"    distmat predict SEQUENCE --checkpoint hf://{facts.repository}",
        "",
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    """A value of a table; nothing in it ends the cell or is Markdown."""
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:300]


def _document(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, DocumentError):
        return {}
    return content if isinstance(content, dict) else {}
