"""What can be found of a run, and the sentence for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from distmat.scoring.verdict import judge

SENTENCES: dict[str, str] = {
    "loss_nan": "The loss is no number since step {step}: lower the learning rate, warm up "
    "longer, or compute in fp32, and resume from a checkpoint before it.",
    "loss_diverging": "The loss is diverging: {now:.4g} now, {factor:.1f} times its lowest level "
    "of {lowest:.4g} (step {step}); the limit is {limit:g} times.",
    "loss_falling": "The loss is falling: from {before:.4g} to {now:.4g} since step {step}, by "
    "{share:.1%} (from {limit:.0%} it counts).",
    "loss_flat": "The loss is flat: {before:.4g} and {now:.4g} since step {step}, a change of "
    "{share:.2%} (below {limit:.0%}).",
    "loss_rising": "The loss is rising: from {before:.4g} to {now:.4g} since step {step}, by "
    "{share:.1%} (from {limit:.0%} it counts).",
    "gradient_exploding": "The gradient is exploding: its norm is {now:.3g}, {factor:.0f} times "
    "its usual {usual:.3g} (the limit is {limit:g} times).",
    "gradient_vanishing": "The gradient has vanished: its norm fell from {early:.3g} to {now:.3g} "
    "(below {limit:g} of it).",
    "gradient_steady": "The gradient is well-behaved: its norm is {now:.3g}, usually {usual:.3g}.",
    "overfitting": "The model is overfitting: the validation MAE was best at step {step} with "
    "{best:.2f} Å and is {now:.2f} Å {evaluations} evaluations later (limit {limit:g} times).",
    "validation_improving": "The validation MAE of {now:.2f} Å is at its best or near it "
    "({best:.2f} Å at step {step}).",
    "schedule_kept": "The learning rate follows its {schedule} schedule: at most {share:.2%} of "
    "the peak off (limit {limit:.0%}).",
    "schedule_broken": "The learning rate doesn't follow its {schedule} schedule: at step {step} "
    "it is {now:.3g} and should be {expected:.3g} (limit {limit:.0%} of the peak).",
    "evaluation_happening": "It is being evaluated: {evaluations} times so far, last at step "
    "{step}.",
    "evaluation_missing": "It isn't being evaluated: step {step}, and no evaluation for {gap} "
    "steps; every {every} one is due.",
    "checkpoints_written": "Checkpoints are written and readable: {count}, the newest of step "
    "{step}.",
    "checkpoints_missing": "No checkpoint was written: step {step}, and every {every} one is due.",
    "checkpoints_unreadable": "{name} is damaged: the size of {file} isn't what its header says; "
    "check the disk, and resume from another checkpoint.",
    "throughput_falling": "It is getting slower: {now:.0f} residues/s, {share:.0%} of the "
    "{usual:.0f} it had (limit {limit:.0%}); see whether something else uses the machine.",
    "throughput_steady": "The speed is steady: {now:.0f} residues/s, usually {usual:.0f}.",
    "gpu_unused": "There is a GPU ({gpu}), and this run isn't using it: it computes on the CPU. "
    "Set device to auto or cuda, and see whether PyTorch was installed with CUDA.",
    "gpu_idle": "The GPU is idle: {use:.0f} % mean use over the last {samples} samples (limit "
    "{limit:.0f} %). The batches may be too small, or something else is slow.",
    "gpu_used": "The GPU is used: {use:.0f} % on average over the last {samples} samples.",
    "baseline_not_beaten": "{headline}: at best {figures} (step {step}, evaluations: "
    "{evaluations}). Whatever the loss says, nothing was learned of the sequence.",
    "baseline_not_yet": "Not better than the separation baseline so far: {mae:.2f} Å against "
    "{baseline:.2f} Å after {progress:.0%} of the steps and {evaluations} evaluations; it is too "
    "early to judge.",
    "baseline_hardly_beaten": "{headline}: at best {figures} (step {step}).",
    "baseline_beaten": "{headline}: at best {figures} (step {step}).",
    "memory_tight": "The machine's memory is almost full: {percent:.0f} % in use (limit "
    "{limit:.0f} %); the run may be killed. Lower pairs_per_batch or crops.",
    "disk_low": "The disk has {free:.1f} GiB left, and a checkpoint takes {size:.1f} GiB; free "
    "some space.",
    "stalled": "Nothing was logged for {seconds:.0f} s, where {usual:.1f} s are usual; see the "
    "log.",
}
"""Of every kind of finding; the fields are its values, and the verdict's words."""


@dataclass(frozen=True)
class Finding:
    """Something that was found.

    Parameters
    ----------
    kind : str
        A key of `SENTENCES`.
    severity : {'good', 'note', 'bad'}
    values : mapping
        The evidence, and as ``limit`` the threshold.
    """

    kind: str
    severity: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """For a person."""
        return self.message(SENTENCES, "en")

    def message(self, sentences: Mapping[str, str], language: str) -> str:
        """The sentence of its kind, in the language of these sentences."""
        words: dict[str, object] = dict(self.values)
        if self.kind.startswith("baseline_"):
            verdict = judge(float(str(words["mae"])), float(str(words["baseline"])))
            words |= {"headline": verdict.headline(language), "figures": verdict.figures(language)}
        return sentences[self.kind].format(**words)
