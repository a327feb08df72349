"""Which residues are named at the axis of a map."""


def residue_ticks(n: int) -> list[int]:
    """The first and a few round places, counted from 1, of a chain of `n` residues."""
    step = next((step for step in (5, 10, 20, 25, 50, 100, 200, 500) if n / step <= 6), 1000)
    return [1, *range(step, n + 1, step)]
