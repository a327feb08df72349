"""Every sentence of the report, in each language.

Terms of the field in Chinese follow its literature: 距离图 distance map, 接触图 contact map,
残基 residue, 主链 backbone, 长程 long-range, 留出集 held-out set, 基线 baseline.
"""

LANGUAGES = ("en", "zh")


def _both(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


MESSAGES: dict[str, dict[str, str]] = {
    # Words and units
    "not_measured": _both("not measured", "未测量"),
    "unit_days": _both("{n} d", "{n} 天"),
    "unit_hours": _both("{n} h", "{n} 小时"),
    "unit_minutes": _both("{n} min", "{n} 分"),
    "unit_seconds": _both("{n} s", "{n} 秒"),
    "yes": _both("yes", "是"),
    "no": _both("no", "否"),
    "reached": _both("reached", "达到"),
    "not_reached": _both("not reached", "未达到"),
    "footer": _both(
        "Written by distmat {version} from the run's store and files; no figure was typed by hand.",
        "由 distmat {version} 根据训练记录与文件自动生成，所有数字均非手工填写。",
    ),
    # Head
    "title": _both("Distance map model: training status", "距离矩阵模型训练状态报告"),
    "updated": _both("Updated: {when}", "更新时间：{when}"),
    "of_run": _both("Run: {name} ({id})", "训练任务：{name}（{id}）"),
    "state": _both("State: {state}", "状态：{state}"),
    "QUEUED": _both("queued, not started yet", "排队中，尚未开始"),
    "STARTING": _both("starting", "正在启动"),
    "RUNNING": _both("running", "训练中"),
    "FINISHED": _both("finished", "已完成"),
    "STOPPED": _both("stopped by a person; it can be resumed", "已被手动停止，可以继续训练"),
    "FAILED": _both("failed", "已失败"),
    "CRASHED": _both("crashed: its process ended without a word", "已崩溃：进程意外结束"),
    "cause": _both("What ended it: {cause}", "结束原因：{cause}"),
    "summary": _both("Summary", "摘要"),
    # Progress
    "progress": _both("Progress", "训练进度"),
    "overall": _both("Overall", "总体进度"),
    "what": _both("What", "项目"),
    "value": _both("Value", "数值"),
    "steps_done": _both("Steps", "完成步数"),
    "of_total": _both("{done} of {total} ({share})", "{total} 步中的 {done} 步（{share}）"),
    "epochs_done": _both("Epochs", "完成轮数"),
    "of_epochs": _both("{done} of {total}", "{done} / {total}"),
    "started": _both("Started", "开始时间"),
    "ended": _both("Ended", "结束时间"),
    "elapsed": _both("Time so far", "运行时间"),
    "remaining": _both("Time left, from the latest steps", "预计剩余（按最近步速）"),
    "expected_total": _both("Time in all, expected", "预计总时长"),
    "expected_end": _both("End, expected", "预计完成时间"),
    "now": _both("Now", "当前状态"),
    "checkpoints_written": _both(
        "Checkpoints written: {n}; the newest is {name}.",
        "已保存 checkpoint {n} 个，最新为 {name}。",
    ),
    "no_checkpoint": _both("No checkpoint has been written.", "尚未保存任何 checkpoint。"),
    "evaluations_done": _both(
        "Evaluated on the validation set {n} times; last at step {step}.",
        "已在验证集上评估 {n} 次，最近一次在第 {step} 步。",
    ),
    "never_evaluated": _both(
        "Never evaluated on the validation set: whether the model learned anything is not known.",
        "从未在验证集上评估：模型是否学到了东西，目前未知。",
    ),
    "going_on": _both("Training goes on.", "训练仍在继续。"),
    "not_going_on": _both("Training doesn't go on.", "训练未在进行。"),
    # Loss
    "quality": _both("Quality of training", "训练质量分析"),
    "loss_convergence": _both("Loss", "Loss 收敛情况"),
    "step": _both("Step", "步数"),
    "epoch": _both("Epoch", "轮数"),
    "loss": _both("Loss", "Loss"),
    "grad_norm": _both("Gradient norm", "梯度范数"),
    "learning_rate": _both("Learning rate", "学习率"),
    "thinned": _both(
        "{shown} rows: first, last, and those with the highest and lowest loss and gradient norm "
        "are among them; the store holds all.",
        "此处列出 {shown} 行，包括首行、末行以及 loss 与梯度范数的极值；完整记录保存在数据库中。",
    ),
    "nothing_logged": _both("Nothing has been logged yet.", "尚无训练记录。"),
    "model_curve": _both("model", "模型"),
    "curve_loss": _both("Loss (logarithmic axis)", "Loss（对数坐标）"),
    "curve_grad_norm": _both("Gradient norm (logarithmic axis)", "梯度范数（对数坐标）"),
    "curve_learning_rate": _both("Learning rate", "学习率"),
    "curve_eval_mae": _both(
        "MAE on validation chains; dashed: knowing only the separation",
        "验证集距离 MAE；虚线：仅知序列间隔的基线",
    ),
    "observations": _both("Observations", "关键观察"),
    "loss_fell": _both(
        "The loss went from {first} to {last}: {share} less; lowest {lowest} at step {step}.",
        "Loss 从 {first} 变为 {last}，下降 {share}；最低 {lowest}（第 {step} 步）。",
    ),
    "loss_rose": _both(
        "The loss went from {first} to {last}: {share} more; lowest {lowest} at step {step}.",
        "Loss 从 {first} 变为 {last}，上升 {share}；最低 {lowest}（第 {step} 步）。",
    ),
    "loss_smooth": _both(
        "It ran smoothly in the second half: neighbouring rows differ by {share} on average.",
        "后半程平稳：相邻记录平均相差 {share}。",
    ),
    "loss_oscillating": _both(
        "It oscillated in the second half: neighbouring rows differ by {share} on average.",
        "后半程有振荡：相邻记录平均相差 {share}。",
    ),
    "loss_not_finite": _both(
        "{n} logged losses aren't finite, first at step {step}.",
        "有 {n} 条 loss 记录不是有限数，首次出现在第 {step} 步。",
    ),
    "gradient_trend": _both(
        "The gradient norm went from {first} to {last}; highest {highest} at step {step}.",
        "梯度范数从 {first} 变为 {last}；最高 {highest}（第 {step} 步）。",
    ),
    "rate_peak": _both(
        "The learning rate was highest, {peak}, at step {step}; now it is {now}.",
        "学习率在第 {step} 步达到峰值 {peak}，当前为 {now}。",
    ),
    # Evaluation
    "evaluation": _both("Evaluation", "验证评估"),
    "evaluation_at": _both(
        "Step {step}: {chains} validation chains in {time}, {speed} chains a second.",
        "第 {step} 步：{chains} 条验证链，用时 {time}，每秒 {speed} 条。",
    ),
    "score": _both("Score", "指标"),
    "model_now": _both("Model, last", "模型（最近）"),
    "model_best": _both("Model, best step", "模型（最佳步）"),
    "baseline_mae": _both("MAE of the separation baseline (Å)", "间隔基线的 MAE（Å）"),
    "separation_only": _both("Separation only", "仅知序列间隔（基线）"),
    "best_step_note": _both(
        "Best step: {step}, the one with the lowest validation MAE. The baseline is a table of mean "
        "distances by separation and chain length, fitted on the training chains; it knows nothing "
        "of the sequence.",
        "最佳步：第 {step} 步，即验证集 MAE 最低的一步。基线为训练集上按序列间隔和链长统计的平均距离表，对序列本身一无所知。",
    ),
    # Configuration
    "configuration": _both("Appendix: configuration", "附录：训练配置"),
    "model": _both("Model", "模型配置"),
    "setting": _both("Setting", "设置"),
    "parameters": _both("Parameters", "参数总数"),
    "trainable": _both("Trainable parameters", "可训练参数"),
    "training_settings": _both("Training", "训练参数"),
    "data": _both("Data", "数据统计"),
    "dataset": _both("Dataset", "数据集"),
    "split_train": _both("training", "训练集"),
    "split_val": _both("validation", "验证集"),
    "chains": _both("Chains", "链数"),
    "clusters": _both("Clusters", "聚类数"),
    "distance_mean": _both("Mean (Å)", "均值（Å）"),
    "distance_std": _both("Std (Å)", "标准差（Å）"),
    "distance_range": _both("Range (Å)", "范围（Å）"),
    "identity_to_train": _both("Highest identity to training", "与训练集最高一致性"),
    "distances_note": _both(
        "Cα distances over all observed pairs of residues in a chain.",
        "距离为同一条链内所有已观测残基对的 Cα 距离。",
    ),
    "leak_checked": _both(
        "Leak check: no validation chain is more than {share} identical to a training chain.",
        "泄漏检查：验证链与训练链的序列一致性最高为 {share}。",
    ),
    "leak_not_checked": _both(
        "Leak check: not measured; the dataset keeps no leak report.",
        "泄漏检查：未测量；数据集中没有泄漏报告。",
    ),
    "leak_said": _both("Leak check: {sentence}", "泄漏检查：{sentence}"),
    "normalised_by": _both("Normalisation: {how}", "归一化：{how}"),
    "hardware": _both("Hardware and environment", "硬件与环境"),
    "device": _both("Device", "设备"),
    "precision": _both("Precision", "精度"),
    "gpu_use": _both("GPU use, mean", "GPU 平均利用率"),
    "gpu_memory": _both("GPU memory, highest", "GPU 显存峰值"),
    "gpu_temperature": _both("GPU temperature, highest", "GPU 最高温度"),
    "gpu_power": _both("GPU power, mean", "GPU 平均功率"),
    "cpu_use": _both("CPU use, mean", "CPU 平均利用率"),
    "memory": _both("Memory, highest", "内存峰值"),
    "gpu_idle": _both(
        "The GPU sat idle: {share} mean use over {n} samples. The training is not running on it.",
        "GPU 处于空闲：{n} 次采样平均利用率为 {share}，训练并未在 GPU 上进行。",
    ),
    # Checkpoints
    "checkpoints": _both("Checkpoints", "Checkpoint 信息"),
    "files": _both("Files", "文件结构"),
    "final_model": _both("final model", "最终模型"),
    "use": _both("How to use them", "使用方法"),
    "resume_with": _both("Go on with training:", "继续训练："),
    "predict_with": _both("Predict a sequence:", "预测一条序列："),
    # Targets
    "targets": _both("Targets", "评估指标目标"),
    "target": _both("Target", "目标"),
    "measured": _both("Measured (best step)", "实测（最佳步）"),
    "verdict": _both("Verdict", "结论"),
    "targets_note": _both(
        "The targets that the published work set itself and never measured.",
        "这些是已发表工作自定、但从未测量过的目标。",
    ),
    # Comparison
    "comparison": _both("Comparison with other runs", "与其他训练任务对比"),
    "comparison_v1": _both("Comparison with v1", "与 v1 方案对比"),
    "run": _both("Run", "训练任务"),
    "head": _both("Head", "输出头"),
    "head_pair": _both("pair (distogram)", "残基对（距离分布图）"),
    "head_placeholder": _both("v2: placeholder (distance matrix)", "v2：占位符（距离矩阵）"),
    "head_coordinates": _both("v1: absolute coordinates", "v1：绝对坐标回归"),
    "differing": _both("Settings that differ", "不同的设置"),
    "nothing_to_compare": _both(
        "No other run of this workspace has been evaluated.", "工作区中没有其他已评估的训练任务。"
    ),
    # Chains
    "best_and_worst": _both("Best and worst chains", "最佳与最差的链"),
    "best_chains": _both("Lowest error", "误差最小"),
    "worst_chains": _both("Highest error", "误差最大"),
    "chain": _both("Chain", "链"),
    "chain_mae": _both("MAE (Å)", "MAE（Å）"),
    "chain_baseline_mae": _both("Separation only (Å)", "基线（Å）"),
    "map_caption": _both(
        "{name}: predicted distances above the diagonal, true ones below; MAE {mae}.",
        "{name}：对角线上方为预测距离，下方为真实距离；MAE {mae}。",
    ),
    "chains_not_scored": _both(
        "Not measured: single chains are scored when a run is finished.",
        "未测量：训练完成后才会对每条链单独评分。",
    ),
    "maps_not_drawn": _both("The maps weren't drawn: {reason}", "未绘制距离图：{reason}"),
    # Diagnosis
    "diagnosis": _both("Diagnosis", "问题诊断"),
    "nothing_found": _both("Nothing conspicuous was found.", "未发现异常。"),
    "next_steps": _both("Next steps", "后续步骤"),
    "monitoring": _both("Monitoring", "监控命令"),
    "troubleshooting": _both("Troubleshooting", "问题排查"),
    "log_end": _both("The log's last lines", "日志末尾"),
    "no_log": _both("There is no log.", "没有日志。"),
    "if_memory": _both(
        "If memory runs out: shorter crops, smaller batches with more accumulation, activation "
        "checkpointing, 4-bit weights; then resume.",
        "如果内存或显存不足：缩短裁剪长度、减小批次并增加梯度累积、启用激活检查点、使用 4-bit 权重，然后继续训练。",
    ),
    "if_nan": _both(
        "If the loss becomes NaN: a lower learning rate, a longer warm-up, float32; resume from the "
        "last checkpoint before it.",
        "如果 loss 变为 NaN：降低学习率、延长预热、改用 float32，并从此前的 checkpoint 继续训练。",
    ),
    # What to do about a finding
    "advice_loss_diverging": _both(
        "Resume from a checkpoint before the loss rose, with a third of the learning rate.",
        "从 loss 上升之前的 checkpoint 继续训练，并将学习率降至三分之一。",
    ),
    "advice_loss_flat": _both(
        "Raise the learning rate.",
        "提高学习率。",
    ),
    "advice_loss_rising": _both(
        "Resume from an earlier checkpoint with a lower learning rate if it keeps rising.",
        "若继续上升，请从较早的 checkpoint 以更低的学习率继续训练。",
    ),
    "advice_gradient_exploding": _both(
        "Lower the learning rate to a third.",
        "将学习率降至三分之一。",
    ),
    "advice_gradient_vanishing": _both(
        "See whether the learning rate has reached zero.",
        "检查学习率是否已降为零。",
    ),
    "advice_overfitting": _both(
        "Use the checkpoint of the best step.",
        "使用最佳步的 checkpoint。",
    ),
    "advice_schedule_broken": _both(
        "Find out why the learning rate isn't the configured one before trusting the run.",
        "在信任本次训练之前，先查明学习率与设定不符的原因。",
    ),
    "advice_evaluation_missing": _both(
        "Make sure that the validation set has chains short enough to be evaluated.",
        "确认验证集中有足够短、可供评估的链。",
    ),
    "advice_checkpoints_missing": _both(
        "Lower evaluate_every, so that a crash costs less.",
        "减小 evaluate_every，使意外中断的损失更小。",
    ),
    "advice_gpu_idle": _both(
        "Raise pairs_per_batch until the GPU is busy.",
        "增大 pairs_per_batch，直到 GPU 忙碌起来。",
    ),
    "advice_baseline_not_beaten": _both(
        "Look at a predicted map beside the true one before anything else: it shows what the model does instead of folding.",
        "先将预测距离图与真实距离图对照查看：它会显示模型学到的究竟是什么。",
    ),
    "advice_baseline_not_yet": _both(
        "Let it run on, and look again after three evaluations.",
        "让训练继续，在评估三次后再看。",
    ),
    "advice_baseline_hardly_beaten": _both(
        "Train longer: the model has learned little of the sequence so far.",
        "延长训练：模型目前从序列中学到的还很少。",
    ),
    "advice_go_on": _both(
        "Nothing is wrong: let it run to its end.", "一切正常：让训练运行到结束。"
    ),
    "advice_resume": _both(
        "The run isn't complete: resume it with the command above.",
        "训练尚未完成：用上面的命令继续训练。",
    ),
    "advice_evaluate": _both(
        "The run is complete and better than the baseline: score it on a test set that nothing was "
        "chosen by.",
        "训练已完成且优于基线：请在未参与任何选择的留出集上评估。",
    ),
    # Success
    "success": _both("Signs of success", "成功指标"),
    "sign": _both("Sign", "指标"),
    "found": _both("Found", "结果"),
    "sign_loss": _both("The loss falls", "loss 持续下降"),
    "sign_gradient": _both("No exploding or vanishing gradient", "无梯度爆炸或消失"),
    "sign_checkpoints": _both("Checkpoints are written", "checkpoint 正常保存"),
    "sign_evaluation": _both("The evaluation runs", "验证评估正常运行"),
    "sign_schedule": _both("The learning rate follows its schedule", "学习率调度合理"),
    "sign_hardware": _both("The GPU is used", "GPU 正常使用"),
    "sign_baseline": _both("Better than the separation baseline", "优于间隔基线"),
    "sign_done": _both("All steps were done", "按计划完成全部步数"),
    "conclusion": _both("Conclusion", "结论"),
    "conclusion_state": _both(
        "At {when} the run is in state '{state}', {steps} steps done.",
        "截至 {when}，训练状态为“{state}”，已完成 {steps} 步。",
    ),
    # Project
    "project_title": _both("Distance map models: all runs", "距离矩阵模型：全部训练任务"),
    "workspace": _both("Workspace: {folder}", "工作区：{folder}"),
    "runs_in_all": _both(
        "Runs: {n}, of them evaluated: {evaluated}", "训练任务 {n} 个，其中已评估 {evaluated} 个"
    ),
    "ranking": _both("Ranking by validation MAE", "按验证集 MAE 排名"),
    "skill": _both("Skill over the baseline", "相对基线的提升"),
    "state_column": _both("State", "状态"),
    "skill_note": _both(
        "Skill is 1 − MAE / MAE of the separation baseline on the same chains: 0 knows nothing, 1 "
        "is perfect. Figures of the best step. Only runs on the same validation set can be compared.",
        "提升 = 1 − MAE / 同一批链上间隔基线的 MAE：0 表示一无所知，1 表示完美。数字取自最佳步；只有使用同一验证集的训练任务才可比较。",
    ),
    "no_runs": _both("There are no runs yet.", "尚无训练任务。"),
}
"""By key and language; values in braces are filled in by `Wording.say`."""
