"""A card in words, for people."""

import json
from typing import Any

from distmat.scoring.map_scores import MAP_SCORES, Pairs
from distmat.scoring.registry import Score

SPREAD = 2.6
"""Å: standard deviation of the error between chains, by the interval that the shipped model's mean
has over 276 test chains (4.63 to 5.24 Å)."""

FEW = 20
"""Chains of a held-out split below which its scores are warned of: ± 1.2 Å."""


def markdown(card: dict[str, Any]) -> str:
    """The card for people."""
    splits, leaks = card["splits"], card["leaks"]
    lines = [
        f"# {card['name']}",
        "",
        f"{card['chains']:,} chains of {card['residues']:,} residues from {card['sources']:,} "
        f"files or entries; {card['rejects']['chains']:,} chains or files were left out.",
        "",
        "| split | chains | residues | clusters | groups of relatives |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {part['chains']:,} | {part['residues']:,} | {part['clusters']:,} "
            f"| {part['groups']:,} |"
            for name, part in splits.items()
        ),
        "",
        "## Relatives across splits",
        "",
        leak_sentence(leaks),
        "",
        *(f"{sentence}\n" for sentence in small_split_sentences(card)),
        "## What a predictor scores that knows nothing of the sequence",
        "",
        *_baseline_lines(card["baselines"]),
        "",
        "## What is in it",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts_in_words(card).items()),
        "",
        *(f"- {sentence}" for sentence in break_sentences(card)),
        "",
        "## What was left out",
        "",
        "| reason | chains or files |",
        "|---|---|",
        *(f"| {reason} | {count:,} |" for reason, count in card["rejects"]["by_reason"].items()),
        "",
        f"Every one of them is listed in `{card['name']}.rejects.csv`.",
        "",
        "## How it was built",
        "",
        "```json",
        json.dumps({"origin": card["origin"], **card["settings"]}, indent=1),
        "```",
        "",
        f"Fingerprint of ids, sequences and coordinates: `{card['fingerprint']}`.",
    ]
    return "\n".join(lines) + "\n"


def leak_sentence(leaks: dict[str, Any]) -> str:
    """What the search for relatives across splits found."""
    if "words" in leaks:
        return str(leaks["words"])
    if not leaks.get("held_out_chains"):
        return "No chain is held out, so there is nothing that could leak."
    if leaks["highest_identity"] is None:
        nearest = "No alignment covers half of the shorter chain"
    else:
        query, target = leaks["pair"]
        nearest = (
            f"The nearest pair is {query} and {target}, {leaks['highest_identity']:.1%} identical "
            "over at least half of the shorter"
        )
    held_out, found = leaks["held_out_chains"], leaks["relatives"]
    return (
        f"{found:,} relatives of the {held_out:,} val and test chains are in train. {nearest} "
        "(by MMseqs2 at its highest sensitivity)."
    )


def small_split_sentences(card: dict[str, Any]) -> list[str]:
    """A sentence for each held-out split whose mean error would say little."""
    return [
        f"The split {name} has {part['chains']:,} chains: a mean error over so few is uncertain by "
        f"± {2 * SPREAD / part['chains'] ** 0.5:.1f} Å or so. Give it a larger share, or the "
        "dataset more structures."
        for name, part in card["splits"].items()
        if name != "train" and 0 < part["chains"] < FEW
    ]


def break_sentences(card: dict[str, Any]) -> list[str]:
    """Where chains break, a sentence for each of the first that do."""
    # Cards of older datasets count them only.
    broken = card["observed"].get("broken_chains", {})
    return [f"{name}: {sentence}" for name, sentence in broken.items()]


def facts_in_words(card: dict[str, Any]) -> dict[str, str]:
    """The card's single figures, each with its name."""
    lengths, distances, gyration = card["lengths"], card["distances"], card["gyration"]
    content, observed, clusters = (
        card["secondary_structure"],
        card["observed"],
        card["clusters"],
    )
    resolution = observed["median_resolution"]
    words = {
        "residues of a chain": f"{lengths['shortest']:,} – {lengths['longest']:,}, "
        f"median {lengths['median']:g}",
        "sequence clusters": f"{clusters['clusters']:,}, {clusters['alone']:,} of a single chain, "
        f"the largest of {clusters['largest_cluster']:,}",
        "groups of relatives": f"{clusters['groups']:,}, the largest of "
        f"{clusters['largest_group']:,} chains",
        "helix, strand, other": f"{content['helix']:.0%}, {content['strand']:.0%}, "
        f"{content['other']:.0%}",
        "radius of gyration": f"{gyration['mean']:.1f} Å in the mean, "
        f"{gyration['mean_ratio']:.2f} times that of a globular chain, 2.2·N^0.38",
        "residues without a Cα": f"{observed['missing_share']:.1%}",
        "chain breaks": f"{observed['breaks']:,}",
        "median resolution": "not stated" if resolution is None else f"{resolution:.2f} Å",
        "methods": ", ".join(f"{name} {count:,}" for name, count in observed["methods"].items()),
    }
    if distances["pairs"]:
        words["distances"] = (
            f"{distances['mean']:.2f} ± {distances['std']:.2f} Å, "
            f"median {distances['median']:.2f}, {distances['smallest']:.2f} – "
            f"{distances['largest']:.2f} Å, {distances['pairs']:,} pairs"
        )
    if "homologues" in card:
        added = card["homologues"]
        words["homologues"] = (
            f"{added['homologues']:,} from {added['sequences']}, of {added['with_homologues']:,} "
            f"training chains; {added['held_back']:,} relatives of held-out chains left out"
        )
    return words


def scores_of(baselines: dict[str, Any]) -> list[Score[Pairs]]:
    """The scores that a card's baselines have; one from before knows fewer."""
    known = set.intersection(*map(set, baselines["scores"].values()))
    return [score for score in MAP_SCORES.list_shown("table") if score.key in known]


def _baseline_lines(baselines: dict[str, Any]) -> list[str]:
    if not baselines.get("scores"):
        return ["There is no train and val to fit and score one on."]
    shown = scores_of(baselines)
    return [
        f"Fitted on {baselines['fitted_on']:,} chains of train and scored on "
        f"{baselines['scored_on']:,} of val, one of each cluster; means over chains.",
        "",
        "| | " + " | ".join(score.column for score in shown) + " |",
        "|---" * (len(shown) + 1) + "|",
        *(
            f"| {name} | " + " | ".join(score.number(scores[score.key]) for score in shown) + " |"
            for name, scores in baselines["scores"].items()
        ),
    ]
