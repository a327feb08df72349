"""What a report of one run says: facts in, sections out."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from distmat.figures.printed import PrintedLine, curves_svg
from distmat.jobs.store.curve import Curve
from distmat.report.blocks import Block, Bullets, Code, Figure, Paragraph, Report, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.findings import sentence, step_to_take
from distmat.report.wording import Wording
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.verdict import Verdict, judge
from distmat.training.config import MODEL_SETTINGS

EXAMPLE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"
"""A sequence for the printed commands."""

TARGETS = (("mae", 5.0, "<"), ("rmse", 7.0, "<"), ("pearson", 0.7, ">"), ("mds_pearson", 0.7, ">"))
"""What the published work set itself: score, threshold and side."""

SMOOTH = 0.05
"""Neighbouring losses of the second half differ by less than this on average in a smooth run."""

IDLE = 0.10
"""A GPU used less than this on average sat idle."""


@dataclass(frozen=True)
class MapDrawing:
    """A chain's maps, to be drawn; MAE in Å."""

    chain: str
    mae: float
    draw: Callable[[], str]


def run_report(
    facts: RunFacts,
    language: str,
    others: Sequence[RunFacts] = (),
    maps: Sequence[MapDrawing] | str = (),
) -> Report:
    """The status report of a run.

    Parameters
    ----------
    facts : RunFacts
    language : str
        ``"en"`` or ``"zh"``.
    others : sequence of RunFacts
        Runs to compare with.
    maps : sequence of MapDrawing, or str
        Of the best and worst chains; a text says why there are none.
    """
    from distmat import __version__

    words = Wording(language)
    sections = (
        _progress(facts, words),
        _quality(facts, words),
        _evaluation(facts, words),
        _configuration(facts, words),
        _checkpoints(facts, words),
        _targets(facts, words),
        _comparison(facts, others, words),
        _chains(facts, maps, words),
        _diagnosis(facts, words),
        _next_steps(facts, words),
        _monitoring(facts, words),
        _troubleshooting(facts, words),
        _success(facts, words),
        _conclusion(facts, words),
    )
    lines = [
        words.say("updated", when=words.moment(facts.written)),
        words.say("of_run", name=facts.name, id=facts.id),
        words.say("state", state=words.say(facts.state)),
    ]
    if facts.cause:
        lines.append(words.say("cause", cause=facts.cause))
    return Report(
        language,
        words.say("title"),
        tuple(lines),
        sections,
        words.say("footer", version=__version__),
    )


def _progress(facts: RunFacts, words: Wording) -> Section:
    total = facts.total_steps
    done = words.count(facts.step)
    if total:
        share = words.share(facts.step / total, 1)
        done = words.say("of_total", done=done, total=words.count(total), share=share)
    epochs = words.number(facts.epoch)
    if total and facts.epoch and facts.step:
        all_epochs = words.number(facts.epoch * total / facts.step)
        epochs = words.say("of_epochs", done=epochs, total=all_epochs)
    going = facts.state in ("RUNNING", "STARTING")
    rows = [
        ("steps_done", done),
        ("epochs_done", epochs),
        ("started", words.moment(facts.started)),
        ("elapsed", words.duration(facts.elapsed)),
    ]
    if going:
        whole = None
        if facts.remaining is not None and facts.elapsed is not None:
            whole = facts.elapsed + facts.remaining
        rows += [
            ("remaining", words.duration(facts.remaining)),
            ("expected_total", words.duration(whole)),
            ("expected_end", words.moment(_expected_end(facts))),
        ]
    else:
        rows.append(("ended", words.moment(facts.ended)))
    return Section(
        words.say("progress"),
        (),
        (
            Section(words.say("overall"), (_two_columns(rows, words),)),
            Section(words.say("now"), (Bullets(tuple(_now(facts, words, going))),)),
        ),
    )


def _expected_end(facts: RunFacts):
    from datetime import timedelta

    if facts.remaining is None:
        return None
    return facts.written + timedelta(seconds=facts.remaining)


def _now(facts: RunFacts, words: Wording, going: bool) -> list[str]:
    items = []
    if facts.checkpoints:
        newest = max(facts.checkpoints, key=lambda checkpoint: checkpoint.step)
        count = len(facts.checkpoints)
        items.append(words.say("checkpoints_written", n=count, name=newest.name))
    else:
        items.append(words.say("no_checkpoint"))
    evaluated = facts.curve("eval_mae")
    if len(evaluated):
        step = words.count(evaluated.steps[-1])
        items.append(words.say("evaluations_done", n=len(evaluated), step=step))
    else:
        items.append(words.say("never_evaluated"))
    items.append(words.say("going_on" if going else "not_going_on"))
    return items


def _quality(facts: RunFacts, words: Wording) -> Section:
    observations = _observations(facts, words)
    return Section(
        words.say("quality"),
        (),
        (
            Section(
                words.say("loss_convergence"), (*_step_table(facts, words), *_curves(facts, words))
            ),
            Section(
                words.say("observations"),
                (Bullets(tuple(observations or [words.say("nothing_logged")])),),
            ),
        ),
    )


def _step_table(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    if not facts.rows:
        return (Paragraph(words.say("nothing_logged")),)
    rows = tuple(
        (
            words.count(row.step),
            words.number(row.epoch),
            words.figures(row.loss),
            words.figures(row.grad_norm),
            words.scientific(row.learning_rate),
        )
        for row in facts.rows
    )
    header = tuple(
        words.say(key) for key in ("step", "epoch", "loss", "grad_norm", "learning_rate")
    )
    thinned = len(facts.rows) < len(facts.curve("loss"))
    return (Table(header, rows, words.say("thinned", shown=len(rows)) if thinned else ""),)


def _curves(facts: RunFacts, words: Wording) -> tuple[Figure, ...]:
    figures = []
    step = words.say("step")
    for name, logarithmic in (("loss", True), ("grad_norm", True), ("learning_rate", False)):
        series = facts.curve(name).finite()
        if len(series):
            curve = PrintedLine(series.steps, series.values)
            draw = partial(curves_svg, [curve], step, words.say(name), logarithmic)
            figures.append(Figure(name, draw, words.say(f"curve_{name}")))
    model, baseline = facts.curve("eval_mae").finite(), facts.curve("eval_baseline_mae").finite()
    if len(model):
        curves = [PrintedLine(model.steps, model.values, words.say("model_curve"))]
        if len(baseline):
            label = words.say("separation_only")
            curves.append(PrintedLine(baseline.steps, baseline.values, label, dashed=True))
        draw = partial(curves_svg, curves, step, MAP_SCORES["mae"].label(words.language))
        figures.append(Figure("eval_mae", draw, words.say("curve_eval_mae")))
    return tuple(figures)


def _observations(facts: RunFacts, words: Wording) -> list[str]:
    items = []
    loss = facts.curve("loss")
    bad = np.flatnonzero(~np.isfinite(loss.values))
    if len(bad):
        step = words.count(loss.steps[bad[0]])
        items.append(words.say("loss_not_finite", n=len(bad), step=step))
    loss = loss.finite()
    if len(loss) > 1:
        items.append(_loss_trend(loss, words))
        items.append(_smoothness(loss, words))
    norm = facts.curve("grad_norm").finite()
    if len(norm) > 1:
        highest = int(np.argmax(norm.values))
        items.append(
            words.say(
                "gradient_trend",
                first=words.figures(norm.values[0]),
                last=words.figures(norm.values[-1]),
                highest=words.figures(norm.values[highest]),
                step=words.count(norm.steps[highest]),
            )
        )
    rate = facts.curve("learning_rate").finite()
    if len(rate):
        highest = int(np.argmax(rate.values))
        items.append(
            words.say(
                "rate_peak",
                peak=words.scientific(rate.values[highest]),
                step=words.count(rate.steps[highest]),
                now=words.scientific(rate.values[-1]),
            )
        )
    return items


def _loss_trend(loss: Curve, words: Wording) -> str:
    first, last, lowest = loss.values[0], loss.values[-1], int(np.argmin(loss.values))
    share = (first - last) / abs(first) if first else 0.0
    return words.say(
        "loss_fell" if share >= 0 else "loss_rose",
        first=words.figures(first),
        last=words.figures(last),
        share=words.share(abs(share), 1),
        lowest=words.figures(loss.values[lowest]),
        step=words.count(loss.steps[lowest]),
    )


def _smoothness(loss: Curve, words: Wording) -> str:
    half = loss.values[len(loss) // 2 :] if len(loss) > 3 else loss.values
    jumps = float(np.mean(np.abs(np.diff(half))) / max(abs(float(np.mean(half))), 1e-12))
    key = "loss_smooth" if jumps < SMOOTH else "loss_oscillating"
    return words.say(key, share=words.share(jumps, 1))


def _evaluation(facts: RunFacts, words: Wording) -> Section:
    return Section(words.say("evaluation"), (_verdict(facts, words), *_scores(facts, words)))


def verdict_of(facts: RunFacts) -> Verdict:
    """Whether the run's best step is better than the separation baseline on the same chains."""
    best = facts.best()
    return judge(*(best[1], facts.at("eval_baseline_mae", best[0])) if best else (None, None))


def _verdict(facts: RunFacts, words: Wording) -> Paragraph:
    verdict = verdict_of(facts)
    return Paragraph(verdict.sentence(words.language), _TONES[verdict.severity])


def _scores(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    best = facts.best()
    if best is None:
        return ()
    last = int(facts.curve("eval_mae").steps[-1])
    seconds, speed = (facts.at(name, last) for name in ("eval_seconds", "eval_chains_per_second"))
    chains = None if seconds is None or speed is None else seconds * speed
    rows = tuple(
        (
            score.label(words.language),
            words.number(facts.at(f"eval_{score.key}", last), 3),
            words.number(facts.at(f"eval_{score.key}", best[0]), 3),
            words.number(facts.at(f"eval_baseline_{score.key}", best[0]), 3),
        )
        for score in MAP_SCORES.shown("metric")
    )
    header = tuple(
        words.say(key) for key in ("score", "model_now", "model_best", "separation_only")
    )
    return (
        Paragraph(
            words.say(
                "evaluation_at",
                step=words.count(last),
                chains=words.count(chains),
                time=words.duration(seconds),
                speed=words.number(speed),
            )
        ),
        Table(header, rows, words.say("best_step_note", step=words.count(best[0]))),
    )


def _configuration(facts: RunFacts, words: Wording) -> Section:
    said = facts.start_facts
    all_parameters, trainable = said.get("parameters"), said.get("trainable_parameters")
    of_model = [name for name in MODEL_SETTINGS if name in facts.config]
    trained = words.count(trainable)
    if all_parameters and trainable is not None:
        trained = f"{trained} ({words.share(trainable / all_parameters, 2)})"
    model_rows = [
        (words.say("parameters"), words.count(all_parameters)),
        (words.say("trainable"), trained),
        *((name, _setting(facts.config[name])) for name in of_model),
    ]
    training_rows = [
        (name, _setting(value))
        for name, value in facts.config.items()
        if name not in MODEL_SETTINGS
    ]
    header = (words.say("setting"), words.say("value"))
    return Section(
        words.say("configuration"),
        (),
        (
            Section(words.say("model"), (Table(header, tuple(model_rows)),)),
            Section(words.say("training_settings"), (Table(header, tuple(training_rows)),)),
            Section(words.say("data"), _data(facts, words)),
            Section(words.say("hardware"), _hardware(facts, words)),
        ),
    )


def _setting(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in ("", None) else str(value)


def _data(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    rows = tuple(
        (
            f"{part.name} ({words.say(f'split_{part.split}')})",
            words.count(part.chains),
            words.count(part.clusters),
            words.number(part.mean),
            words.number(part.std),
            words.missing
            if part.shortest is None
            else f"{words.number(part.shortest)} – {words.number(part.longest)}",
        )
        for part in facts.data
    )
    header = tuple(
        words.say(key)
        for key in (
            "dataset",
            "chains",
            "clusters",
            "distance_mean",
            "distance_std",
            "distance_range",
        )
    )
    identity = next(
        (
            part.highest_identity_to_train
            for part in facts.data
            if part.split == "val" and part.highest_identity_to_train is not None
        ),
        None,
    )
    leak = (
        words.say("leak_not_checked")
        if identity is None
        else words.say("leak_checked", share=words.share(identity, 1))
    )
    blocks: list[Block] = []
    if rows:
        blocks.append(Table(header, rows, words.say("distances_note")))
    normalisation = str(facts.start_facts.get("normalisation") or "")
    if normalisation:
        blocks.append(Paragraph(words.say("normalised_by", how=normalisation)))
    return (*blocks, Paragraph(leak))


def _hardware(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    said, used = facts.start_facts, facts.hardware
    rows = [
        ("device", str(said.get("device") or words.missing)),
        ("precision", str(said.get("precision") or words.missing)),
    ]
    blocks: list[Block] = []
    if used and used.gpu_name:
        total = words.size(used.gpu_memory_total)
        rows += [
            ("gpu_use", f"{words.share(used.gpu)} ({used.gpu_name})"),
            ("gpu_memory", f"{words.size(used.gpu_memory)} / {total}"),
            ("gpu_temperature", _with_unit(used.gpu_temperature, "°C", words)),
            ("gpu_power", _with_unit(used.gpu_power, "W", words)),
        ]
        if used.gpu is not None and used.gpu < IDLE:
            share = words.share(used.gpu, 1)
            blocks.append(Paragraph(words.say("gpu_idle", share=share, n=used.samples), "bad"))
    rows += [
        ("cpu_use", words.share(used.cpu if used else None)),
        ("memory", words.size(used.memory if used else None)),
    ]
    table = _two_columns(rows, words)
    versions = tuple((name, str(value)) for name, value in facts.environment.items())
    return (Table(table.header, (*table.rows, *versions)), *blocks)


def _with_unit(value: float | None, unit: str, words: Wording) -> str:
    return words.missing if value is None else f"{words.count(value)} {unit}"


def _checkpoints(facts: RunFacts, words: Wording) -> Section:
    folders = [(checkpoint.name, checkpoint.files) for checkpoint in facts.checkpoints]
    if facts.final:
        folders.append((words.say("final_model"), facts.final))
    tree = "\n".join(line for name, files in folders for line in _tree(name, files, words))
    files: Block = Code(tree) if tree else Paragraph(words.say("no_checkpoint"))
    use: list[Block] = []
    if facts.checkpoints and facts.state in ("STOPPED", "FAILED", "CRASHED"):
        use += [Paragraph(words.say("resume_with")), Code(f"distmat runs resume {facts.id}")]
    usable = facts.folder if facts.final else _newest_folder(facts)
    if usable:
        use += [Paragraph(words.say("predict_with")), Code(_predict_command(usable))]
    return Section(
        words.say("checkpoints"),
        (),
        (
            Section(words.say("files"), (files,)),
            Section(words.say("use"), tuple(use) or (Paragraph(words.say("no_checkpoint")),)),
        ),
    )


def _tree(name: str, files: Sequence[tuple[str, int]], words: Wording) -> list[str]:
    lines = [(f"{name}/", sum(size for _, size in files))]
    for number, (file, size) in enumerate(files, start=1):
        branch = "└──" if number == len(files) else "├──"
        lines.append((f"{branch} {file}", size))
    return [f"{text:<48} {words.size(size):>10}" for text, size in lines]


def _newest_folder(facts: RunFacts) -> Path | None:
    if not facts.checkpoints:
        return None
    newest = max(facts.checkpoints, key=lambda checkpoint: checkpoint.step)
    return facts.folder / newest.name


def _predict_command(folder: Path) -> str:
    return (
        f"distmat predict MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ --checkpoint {shlex.quote(str(folder))}"
    )


def _targets(facts: RunFacts, words: Wording) -> Section:
    best = facts.best()
    rows = []
    for score, threshold, side in TARGETS:
        value = facts.at(f"eval_{score}", best[0]) if best else None
        reached = None if value is None else (value < threshold) == (side == "<")
        baseline = facts.at(f"eval_baseline_{score}", best[0]) if best else None
        rows.append(
            (
                MAP_SCORES[score].label(words.language),
                f"{side} {threshold:g}",
                words.number(value, 3),
                words.number(baseline, 3),
                words.missing
                if reached is None
                else words.say("reached" if reached else "not_reached"),
            )
        )
    header = tuple(
        words.say(key) for key in ("score", "target", "measured", "separation_only", "verdict")
    )
    return Section(words.say("targets"), (Table(header, tuple(rows), words.say("targets_note")),))


def _comparison(facts: RunFacts, others: Sequence[RunFacts], words: Wording) -> Section:
    heads = {run.config.get("head") for run in (facts, *others)}
    title = "comparison_v1" if {"coordinates", "placeholder"} <= heads else "comparison"
    if not others:
        return Section(words.say(title), (Paragraph(words.say("nothing_to_compare")),))
    return Section(
        words.say(title),
        (score_table([facts, *others], words), *differing_table([facts, *others], words)),
    )


def score_table(runs: Sequence[RunFacts], words: Wording) -> Table:
    """Scores of a few runs at their best steps, a column for each run."""
    rows = [
        (words.say("head"), *(_head(run, words) for run in runs)),
        (words.say("step"), *(words.count(run.step) for run in runs)),
        (words.say("skill"), *(words.share(_gain(run), 1) for run in runs)),
    ]
    for score in MAP_SCORES.shown("metric"):
        rows.append(
            (
                score.label(words.language),
                *(words.number(_at_best(run, score.key), score.digits) for run in runs),
            )
        )
        if score.key == "mae":
            baseline = (words.number(_at_best(run, "baseline_mae")) for run in runs)
            rows.append((words.say("baseline_mae"), *baseline))
    header = (words.say("run"), *(run.name for run in runs))
    return Table(header, tuple(rows), words.say("skill_note"))


def ranking_table(runs: Sequence[RunFacts], words: Wording) -> Table:
    """A row for each run: the scores that a page's width has room for."""
    shown = MAP_SCORES.shown("headline")
    keys = ("run", "state_column", "head", "step", "baseline_mae", "skill")
    rows = tuple(
        (
            run.name,
            words.say(run.state),
            _head(run, words),
            words.count(run.step),
            words.number(_at_best(run, "baseline_mae")),
            words.share(_gain(run), 1),
            *(words.number(_at_best(run, score.key), score.digits) for score in shown),
        )
        for run in runs
    )
    header = (*map(words.say, keys), *(score.label(words.language) for score in shown))
    return Table(header, rows, words.say("skill_note"))


def _at_best(run: RunFacts, metric: str) -> float | None:
    best = run.best()
    return run.at(f"eval_{metric}", best[0]) if best else None


def _gain(run: RunFacts) -> float | None:
    verdict = verdict_of(run)
    return None if verdict.kind == "unknown" else verdict.gain


def _head(run: RunFacts, words: Wording) -> str:
    head = str(run.config.get("head") or "")
    return words.say(f"head_{head}") if head else words.missing


def differing_table(runs: Sequence[RunFacts], words: Wording) -> tuple[Table, ...]:
    """The settings in which the runs differ; nothing if there are none."""
    names = dict.fromkeys(name for run in runs for name in run.config)
    rows = []
    for name in names:
        values = [_setting(run.config.get(name, "")) for run in runs]
        if len(set(values)) > 1 and name != "output":
            rows.append((name, *values))
    if not rows:
        return ()
    return (Table((words.say("differing"), *(run.name for run in runs)), tuple(rows)),)


def _chains(facts: RunFacts, maps: Sequence[MapDrawing] | str, words: Wording) -> Section:
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


def _diagnosis(facts: RunFacts, words: Wording) -> Section:
    found = tuple(
        Paragraph(sentence(finding, words), _TONES[finding.tone]) for finding in facts.findings
    )
    return Section(words.say("diagnosis"), found or (Paragraph(words.say("nothing_found")),))


_TONES = {"good": "good", "note": "warning", "bad": "bad"}


def _next_steps(facts: RunFacts, words: Wording) -> Section:
    steps = [step_to_take(finding, words) for finding in facts.findings]
    if facts.state in ("STOPPED", "FAILED", "CRASHED"):
        steps.append(words.say("advice_resume"))
    elif facts.state == "FINISHED" and verdict_of(facts).is_better:
        steps.append(words.say("advice_evaluate"))
    elif facts.state == "RUNNING" and not any(steps):
        steps.append(words.say("advice_go_on"))
    items = tuple(dict.fromkeys(step for step in steps if step))
    return Section(
        words.say("next_steps"),
        (Bullets(items) if items else Paragraph(words.say("nothing_found")),),
    )


def _monitoring(facts: RunFacts, words: Wording) -> Section:
    commands = [
        f"distmat runs show {facts.id}",
        f"distmat runs watch {facts.id}",
        f"distmat runs logs {facts.id}",
    ]
    return Section(words.say("monitoring"), (Code("\n".join(commands)),))


def _troubleshooting(facts: RunFacts, words: Wording) -> Section:
    log: Block = Code("\n".join(facts.log)) if facts.log else Paragraph(words.say("no_log"))
    return Section(
        words.say("troubleshooting"),
        (Bullets((words.say("if_memory"), words.say("if_nan"))),),
        (Section(words.say("log_end"), (log,)),),
    )


def _success(facts: RunFacts, words: Wording) -> Section:
    rows = tuple(
        (
            words.say(f"sign_{sign}"),
            words.missing if held is None else words.say("yes" if held else "no"),
        )
        for sign, held in signs(facts).items()
    )
    header = (words.say("sign"), words.say("found"))
    return Section(words.say("success"), (Table(header, rows),))


def signs(facts: RunFacts) -> Mapping[str, bool | None]:
    """Signs of success: held, not held, or None where it wasn't measured."""
    kinds = {finding.kind: finding.tone for finding in facts.findings}
    loss = facts.curve("loss")
    verdict = verdict_of(facts)
    idle = facts.hardware.gpu if facts.hardware and facts.hardware.gpu_name else None

    def fine(*names: str) -> bool | None:
        tones = [kinds[name] for name in names if name in kinds]
        return all(tone == "good" for tone in tones) if tones else None

    return {
        "loss": bool(np.isfinite(loss.values).all() and loss.values[-1] < loss.values[0])
        if len(loss) > 1
        else None,
        "gradient": fine("gradient_steady", "gradient_exploding", "gradient_vanishing"),
        "schedule": fine("schedule_kept", "schedule_broken"),
        "checkpoints": bool(facts.checkpoints or facts.final) if facts.step else None,
        "evaluation": bool(len(facts.curve("eval_mae"))) if facts.step else None,
        "hardware": None if idle is None else idle >= IDLE,
        "baseline": None if verdict.kind == "unknown" else verdict.is_better,
        "done": facts.step >= facts.total_steps if facts.total_steps else None,
    }


def _conclusion(facts: RunFacts, words: Wording) -> Section:
    text = words.say(
        "conclusion_state",
        when=words.moment(facts.written),
        state=words.say(facts.state),
        steps=words.count(facts.step),
    )
    return Section(words.say("conclusion"), (Paragraph(text), _verdict(facts, words)))


def _two_columns(rows: Sequence[tuple[str, str]], words: Wording) -> Table:
    named = tuple((words.say(key), value) for key, value in rows)
    return Table((words.say("what"), words.say("value")), named)
