"""How good a prediction is, and whether that is better than knowing nothing.

A score is declared once, where it is computed (`map_scores`, `trace_scores`): its key, its names,
its unit, which way is better and where it is shown. Pages, the command, a training's metrics and
the report list what is declared, and all of them ask one `verdict`.
"""
