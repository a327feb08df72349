"""A diagnosis in both languages, and what follows from it.

The English sentences are `distmat.runs.diagnosis.finding.SENTENCES`.
"""

from distmat.report.i18n import Wording
from distmat.runs.diagnosis.finding import SENTENCES, Finding

CHINESE: dict[str, str] = {
    "loss_nan": "自第 {step} 步起 loss 不是有限数：请降低学习率、延长预热或改用 fp32，并从此前的 checkpoint 继续训练。",
    "loss_diverging": "loss 正在发散：当前 {now:.4g}，为最低值 {lowest:.4g}（第 {step} 步）的 {factor:.1f} 倍；阈值为 {limit:g} 倍。",
    "loss_falling": "loss 正在下降：自第 {step} 步起由 {before:.4g} 降至 {now:.4g}，下降 {share:.1%}（超过 {limit:.0%} 才算）。",
    "loss_flat": "loss 持平：自第 {step} 步起为 {before:.4g} 与 {now:.4g}，变化 {share:.2%}（低于 {limit:.0%}）。",
    "loss_rising": "loss 正在上升：自第 {step} 步起由 {before:.4g} 升至 {now:.4g}，上升 {share:.1%}（超过 {limit:.0%} 才算）。",
    "gradient_exploding": "梯度爆炸：范数为 {now:.3g}，是平时 {usual:.3g} 的 {factor:.0f} 倍（阈值 {limit:g} 倍）。",
    "gradient_vanishing": "梯度消失：范数由 {early:.3g} 降至 {now:.3g}（低于其 {limit:g}）。",
    "gradient_steady": "梯度正常：范数为 {now:.3g}，平时为 {usual:.3g}。",
    "overfitting": "模型过拟合：验证集 MAE 在第 {step} 步最佳，为 {best:.2f} Å，此后 {evaluations} 次评估后为 {now:.2f} Å（阈值 {limit:g} 倍）。",
    "validation_improving": "验证集 MAE 为 {now:.2f} Å，处于或接近最佳值（第 {step} 步的 {best:.2f} Å）。",
    "schedule_kept": "学习率符合 {schedule} 调度：与计划最多相差峰值的 {share:.2%}（阈值 {limit:.0%}）。",
    "schedule_broken": "学习率不符合 {schedule} 调度：第 {step} 步为 {now:.3g}，应为 {expected:.3g}（阈值为峰值的 {limit:.0%}）。",
    "evaluation_happening": "评估正常进行：至今 {evaluations} 次，最近一次在第 {step} 步。",
    "evaluation_missing": "没有进行评估：当前第 {step} 步，已有 {gap} 步未评估；应每 {every} 步评估一次。",
    "checkpoints_written": "checkpoint 正常写入且可读：共 {count} 个，最新为第 {step} 步。",
    "checkpoints_missing": "尚未写入 checkpoint：当前第 {step} 步，应每 {every} 步写入一次。",
    "checkpoints_unreadable": "{name} 已损坏：{file} 的大小与其文件头不符；请检查磁盘，并从其他 checkpoint 继续训练。",
    "throughput_falling": "训练变慢：每秒 {now:.0f} 个残基，仅为此前 {usual:.0f} 的 {share:.0%}（阈值 {limit:.0%}）；请检查是否有其他程序占用机器。",
    "throughput_steady": "速度稳定：每秒 {now:.0f} 个残基，平时为 {usual:.0f}。",
    "gpu_unused": "机器上有 GPU（{gpu}），但本次训练没有使用它，而是在 CPU 上计算。请将 device 设为 auto 或 cuda，并确认安装的 PyTorch 支持 CUDA。",
    "gpu_idle": "GPU 空闲：最近 {samples} 次采样的平均利用率为 {use:.0f}%（阈值 {limit:.0f}%）。可能批次太小，或其他环节太慢。",
    "gpu_used": "GPU 正在使用：最近 {samples} 次采样的平均利用率为 {use:.0f}%。",
    "baseline_not_beaten": "{headline}：最佳结果为 {figures}（第 {step} 步，共评估 {evaluations} 次）。无论 loss 如何，模型没有从序列中学到任何东西。",
    "baseline_not_yet": "目前尚未优于间隔基线：完成 {progress:.0%} 的步数、评估 {evaluations} 次后为 {mae:.2f} Å，基线为 {baseline:.2f} Å；现在下结论为时过早。",
    "baseline_hardly_beaten": "{headline}：最佳结果为 {figures}（第 {step} 步）。",
    "baseline_beaten": "{headline}：最佳结果为 {figures}（第 {step} 步）。",
    "memory_tight": "机器内存几乎用尽：已用 {percent:.0f}%（阈值 {limit:.0f}%）；训练可能被系统终止。请减小 pairs_per_batch 或 crops。",
    "disk_low": "磁盘仅剩 {free:.1f} GiB，而一个 checkpoint 需要 {size:.1f} GiB；请清理空间。",
    "stalled": "已有 {seconds:.0f} 秒没有记录，平时间隔为 {usual:.1f} 秒；请查看日志。",
}
"""The same kinds and values in Chinese."""

_SAYS_WHAT_TO_DO = {
    "loss_nan",
    "checkpoints_unreadable",
    "gpu_unused",
    "memory_tight",
    "disk_low",
    "stalled",
    "throughput_falling",
}
"""Kinds whose sentence already holds the step to take."""


def sentence(finding: Finding, words: Wording) -> str:
    """What was found, with the numbers it rests on."""
    return finding.message(CHINESE if words.language == "zh" else SENTENCES, words.language)


def step_to_take(finding: Finding, words: Wording) -> str:
    """What to do about it, to be read alone; empty if this finding asks for nothing."""
    if finding.kind in _SAYS_WHAT_TO_DO and finding.severity != "good":
        return sentence(finding, words)
    return advice(finding, words)


def advice(finding: Finding, words: Wording) -> str:
    """The one thing to do about it, to be read after the sentence; empty if that says it."""
    if finding.severity == "good" or finding.kind in _SAYS_WHAT_TO_DO:
        return ""
    return words.say(f"advice_{finding.kind}")
