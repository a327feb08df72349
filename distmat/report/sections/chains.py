"""The chains that are predicted best and worst."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from distmat.report.blocks import Block, Figure, Paragraph, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.scoring.map_scores import MAP_SCORES


@dataclass(frozen=True)
class MapDrawing:
    """A chain's maps, to be drawn; MAE in Å."""

    chain: str
    mae: float
    draw: Callable[[], str]


def describe_chains(facts: RunFacts, maps: Sequence[MapDrawing] | str, words: Wording) -> Section:
    """The best and the worst chains, with their maps where they could be drawn."""
    if not facts.chains:
        blocks: tuple[Block, ...] = (Paragraph(words.say("chains_not_scored")),)
        return Section(words.say("best_and_worst"), blocks)
    best, worst = best_and_worst(facts)
    drawn = {} if isinstance(maps, str) else {drawing.chain: drawing for drawing in maps}
    parts = []
    for key, group in (("best_chains", best), ("worst_chains", worst)):
        rows = tuple(
            (
                chain.name,
                words.number(chain.mae),
                words.number(chain.baseline_mae),
                words.number(chain.pearson, 3),
            )
            for chain in group
        )
        keys = ("chain", "chain_mae", "chain_baseline_mae")
        header = (*map(words.say, keys), MAP_SCORES["pearson"].label(words.language))
        figures = tuple(
            Figure(
                f"map_{key}_{number}",
                drawn[chain.name].draw,
                words.say(
                    "map_caption", name=chain.name, mae=words.angstrom(drawn[chain.name].mae)
                ),
                small=True,
            )
            for number, chain in enumerate(group, start=1)
            if chain.name in drawn
        )
        parts.append(Section(words.say(key), (Table(header, rows), *figures)))
    said = (Paragraph(words.say("maps_not_drawn", reason=maps)),) if isinstance(maps, str) else ()
    return Section(words.say("best_and_worst"), said, tuple(parts))


def best_and_worst(facts: RunFacts, count: int = 3):
    """The chains with the lowest and with the highest error, no chain in both."""
    ranked = sorted(facts.chains or (), key=lambda chain: (chain.mae, chain.name))
    return ranked[:count], ranked[count:][-count:][::-1]
