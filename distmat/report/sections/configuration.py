"""What was trained, on which data and on which machine."""

from distmat.report.blocks import Block, Paragraph, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.tables import setting_text, two_columns
from distmat.training.config import MODEL_SETTINGS

IDLE = 0.10
"""A GPU used less than this on average sat idle."""


def describe_configuration(facts: RunFacts, words: Wording) -> Section:
    """Settings, data, machine and software."""
    said = facts.start_facts
    all_parameters, trainable = said.get("parameters"), said.get("trainable_parameters")
    of_model = [name for name in MODEL_SETTINGS if name in facts.config]
    trained = words.count(trainable)
    if all_parameters and trainable is not None:
        trained = f"{trained} ({words.share(trainable / all_parameters, 2)})"
    model_rows = [
        (words.say("parameters"), words.count(all_parameters)),
        (words.say("trainable"), trained),
        *((name, setting_text(facts.config[name])) for name in of_model),
    ]
    training_rows = [
        (name, setting_text(value))
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
    said = next((part.leaks for part in facts.data if part.split == "val" and part.leaks), "")
    if identity is not None:
        leak = words.say("leak_checked", share=words.share(identity, 1))
    else:
        leak = words.say("leak_said", sentence=said) if said else words.say("leak_not_checked")
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
    table = two_columns(rows, words)
    versions = tuple((name, str(value)) for name, value in facts.environment.items())
    return (Table(table.header, (*table.rows, *versions)), *blocks)


def _with_unit(value: float | None, unit: str, words: Wording) -> str:
    return words.missing if value is None else f"{words.count(value)} {unit}"
