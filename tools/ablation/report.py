"""The page of a study: what was asked, what was run, and what came out."""

from __future__ import annotations

import json
import os
import pathlib
import platform
from typing import Mapping, Sequence

from tools.ablation import figure, intervals
from tools.ablation.measures import MEASURES
from tools.ablation.study import Study
from tools.ablation.trials import Trial

REPORT, CURVES, RESULTS = "report.md", "curves.png", "results.json"
# What the arms are compared by, one by one.
_COMPARED = (
    *("excess", "fid", "precision", "recall", "coverage"),
    *("accuracy", "cas"),
)
# Shown as how many runs, not as a mean.
_COUNTED = ("diverged", "collapsed")

Arms = Mapping[str, Sequence[Trial]]
# By arm and measure, one value for each seed; None where a run has none.
Values = Mapping[str, Mapping[str, Sequence[float | None]]]


def write(
    study: Study, trials: Sequence[Trial], directory: pathlib.Path, command: str
) -> str:
    """Writes report, curves and numbers of a study's runs that have ended.

    They go into `directory`, which is made; `command` is what repeats the
    study. Returns the table, as text.
    """
    directory.mkdir(parents=True, exist_ok=True)
    arms: dict[str, list[Trial]] = {}
    for trial in trials:
        arms.setdefault(trial.arm.name, []).append(trial)
    values = {
        arm: {
            name: [MEASURES[name].read(trial) for trial in own]
            for name in study.columns
        }
        for arm, own in arms.items()
    }
    table = table_of_arms(study.columns, values)
    sections = [
        f"# {study.name}\n\n{study.question}",
        f"## What was run\n\n{_arms(arms)}\n\n```\n{command}\n```",
        _protocol(trials),
        f"## What came out\n\n{table}\n\n{_legend(study, trials)}",
    ]
    if study.reference in values:
        sections.append(
            f"## Against {study.reference}\n\n"
            f"{table_of_differences(study.reference, _COMPARED, values)}\n\n"
            "The mean less that of the reference, with its 95 % interval "
            '(Welch). An interval that holds zero is "not told apart" by these '
            "runs: that there is no difference it does not say."
        )
    if figure.write(directory / CURVES, study.columns, arms):
        sections.append(
            f"## On the way\n\n![Curves over steps]({CURVES})\n\nThin lines "
            "are runs, thick ones their means, shades the 95 % intervals of "
            "the means of three or more."
        )
    sections.append(f"## Look at the runs\n\n{_samples(arms, directory)}")
    (directory / REPORT).write_text("\n\n".join(sections) + "\n")
    found = {"study": study.name, "values": values}
    (directory / RESULTS).write_text(json.dumps(found, indent=1) + "\n")
    return table


def table_of_arms(columns: Sequence[str], values: Values) -> str:
    """Returns a row for each arm, a column for each measure with a value."""
    columns = [
        name
        for name in columns
        if any(_known(own[name]) for own in values.values())
    ]
    rows = [
        [arm, *(_cell(name, own[name]) for name in columns)]
        for arm, own in values.items()
    ]
    return _table(["arm", *(MEASURES[name].title for name in columns)], rows)


def table_of_differences(
    reference: str, measures: Sequence[str], values: Values
) -> str:
    """Returns by how much each arm differs from one of them."""
    rows = []
    for arm in values:
        for name in measures:
            ours, theirs = (
                _known(values[each].get(name, ())) for each in (arm, reference)
            )
            if arm != reference and ours and theirs:
                found = intervals.of_difference(ours, theirs)
                row = [arm, MEASURES[name].title, intervals.text(*found)]
                rows.append([*row, intervals.verdict(*found)])
    return _table(["arm", "measure", "difference", "so it is"], rows)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _cell(name: str, values: Sequence[float | None]) -> str:
    known = _known(values)
    if name in _COUNTED:
        return f"{sum(known):.0f} of {len(known)}"
    if not known:
        return "-"
    few = f" ({len(known)} of {len(values)})"
    text = intervals.text(*intervals.of_mean(known))
    return text + few * (len(known) < len(values))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _arms(arms: Arms) -> str:
    rows = []
    for name, trials in arms.items():
        arm = trials[0].arm
        fields = [f"`{field}={value}`" for field, value in arm.fields.items()]
        row = [name, arm.says, ", ".join(fields) or "none", str(len(trials))]
        rows.append(row)
    return _table(["arm", "what it is", "fields", "runs"], rows)


def _protocol(trials: Sequence[Trial]) -> str:
    """Returns where, when, how long and with what command they were run."""
    first, outcomes = trials[0], [trial.outcome() for trial in trials]
    seeds = dict.fromkeys(str(trial.config.seed) for trial in trials)
    dates = sorted({outcome["date"] for outcome in outcomes})
    threads = sorted({str(outcome["threads"]) for outcome in outcomes})
    whole = [o["seconds"] for o in outcomes if not o["began_at_step"]]
    return (
        f"Every arm differs from `{first.config_path}` in the fields above "
        f"only; {first.num_steps:,} steps of {first.config.train.batch_size} "
        f"images, seeds {', '.join(seeds)}.\n\n"
        f"{' to '.join(dict.fromkeys([dates[0], dates[-1]]))}, {_processor()}, "
        f"{'/'.join(threads)} thread(s) a run; {len(whole)} of {len(trials)} "
        f"runs in one piece took {sum(whole) / 60:,.0f} minutes one after the "
        f"other. The first run alone:\n\n```\n{outcomes[0]['command']}\n```"
    )


def _processor() -> str:
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line for line in lines if line.startswith("model name")]
    name = names[0].partition(": ")[2] if names else platform.machine()
    return f"{os.cpu_count()} cores of {name}"


def _legend(study: Study, trials: Sequence[Trial]) -> str:
    lines = [
        "Mean over seeds ± half of the 95 % interval (Student's t); beside it "
        "how many runs have the number, where not all do.\n"
    ]
    for name in study.columns:
        lines.append(f"- **{MEASURES[name].title}**: {MEASURES[name].says}.")
    scores = sorted({name for trial in trials for name in trial.scores()})
    if scores:
        lines.append(f"- Scores in full: {', '.join(scores)}.")
    return "\n".join(lines)


def _samples(arms: Arms, directory: pathlib.Path) -> str:
    """Returns the last sheet of each arm, and the commands for its maps."""
    sheets, commands = {}, []
    for name, (first, *_) in arms.items():
        paths = sorted((first.workdir / "samples").glob("step_*.png"))
        if paths:
            sheets[name] = f"![]({os.path.relpath(paths[-1], directory)})"
        model = first.config.model
        attends = model.attention_resolutions != ()
        if attends and model.attention_replacement == "attention":
            commands += [
                f"python -m sagan_tf.attention --workdir={first.workdir} "
                f"--network={network} --output={name}_{network}.png"
                for network in ("generator", "discriminator")
            ]
    table = _table(list(sheets), [list(sheets.values())])
    return "\n".join([table, "\n```", *commands, "```"])
