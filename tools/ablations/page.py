"""The page of a study: what was asked, what was run, and what came out."""

from __future__ import annotations

import json
import pathlib
import platform
from typing import Any, Sequence

from tools.ablations import cost, plots, tables
from tools.ablations.measures import MEASURES, score_names
from tools.ablations.plan import OUTCOME, Run
from tools.ablations.studies import Study

REPORT, CURVES, RESULTS = "report.md", "curves.png", "results.json"
# What the arms are compared by, one by one.
_COMPARED = ("excess", "fid")


def write(
    study: Study, runs: Sequence[Run], directory: pathlib.Path, command: str
) -> str:
    """Writes report, curves and numbers of a study.

    Args:
        study: the study.
        runs: those of its runs that have ended.
        directory: where the files go.
        command: what repeats it.

    Returns:
        The table, as text.
    """
    arms = {
        arm.name: [run for run in runs if run.arm.name == arm.name]
        for arm in study.arms
    }
    arms = {name: own for name, own in arms.items() if own}
    values = {
        arm: {
            name: [MEASURES[name].read(run, study.target) for run in own]
            for name in study.columns
        }
        for arm, own in arms.items()
    }
    plots.write_curves(directory / CURVES, study, arms)
    table = tables.of_arms(study.columns, values)
    parts = [
        f"# {study.name}",
        study.question,
        "## What was run",
        _arms(arms),
        f"```\n{command}\n```",
        _protocol(runs),
        "## What came out",
        table,
        _reading(study, runs),
        f"## Against {study.reference}",
        tables.of_differences(study.reference, _COMPARED, values),
        "The mean less that of the reference, with its 95 % interval (Welch). "
        'An interval that holds zero is "not told apart" by these runs: '
        "that there is no difference it does not say.",
        _way(directory),
        "## Look at the runs",
        _looking(arms),
    ]
    (directory / REPORT).write_text("\n\n".join(filter(None, parts)) + "\n")
    found = {"study": study.name, "values": values}
    (directory / RESULTS).write_text(json.dumps(found, indent=1) + "\n")
    return table


def _way(directory: pathlib.Path) -> str:
    if not (directory / CURVES).is_file():
        return ""
    return (
        f"## On the way\n\n![Curves over steps]({CURVES})\n\nThin lines are "
        "runs, thick ones their means, shades the 95 % intervals of the means "
        "of three or more."
    )


def _arms(arms: dict[str, list[Run]]) -> str:
    rows = [
        (
            name,
            own[0].arm.says,
            ", ".join(f"`{n}={v}`" for n, v in own[0].arm.fields.items())
            or "none",
            str(len(own)),
        )
        for name, own in arms.items()
    ]
    return tables.markdown(("arm", "what it is", "fields", "runs"), rows)


def _protocol(runs: Sequence[Run]) -> str:
    """Where, when, how long and with what command."""
    outcomes = [_outcome(run) for run in runs]
    dates = sorted({outcome["date"] for outcome in outcomes})
    threads = sorted({outcome["threads"] for outcome in outcomes})
    whole = [o for o in outcomes if not o["began_at_step"]]
    seconds = sum(outcome["seconds"] for outcome in whole)
    steps = sorted({run.num_steps for run in runs})
    first = runs[0]
    facts = [
        f"Every arm differs from `{first.config_path}` in the fields above "
        f"only; {', '.join(f'{n:,}' for n in steps)} steps of "
        f"{first.config.train.batch_size} pictures, seeds "
        f"{', '.join(map(str, sorted({run.seed for run in runs})))}.",
        f"{dates[0]}{' to ' + dates[-1] if dates[1:] else ''}, "
        f"{_processor()}, {'/'.join(map(str, threads))} thread(s) a run; "
        f"{len(whole)} of {len(runs)} runs in one piece took "
        f"{cost.duration(seconds)} one after the other.",
        f"The first run alone:\n\n```\n{outcomes[0]['command']}\n```",
    ]
    return "\n\n".join(facts)


def _outcome(run: Run) -> dict[str, Any]:
    return json.loads((run.workdir / OUTCOME).read_text())


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [
        line.partition(":")[2].strip()
        for line in lines
        if line.startswith("model name")
    ]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{len(names)} cores of {name}" if names else name


def _reading(study: Study, runs: Sequence[Run]) -> str:
    lines = [
        "Mean over seeds ± half of the 95 % interval (Student's t); beside it "
        "how many runs have the number, where not all do.",
        "",
    ]
    lines += [
        f"- **{MEASURES[name].title}**: {MEASURES[name].says}."
        for name in study.columns
    ]
    names = sorted({name for run in runs for name in score_names(run)})
    if names:
        lines.append(f"- Scores in full: {', '.join(names)}.")
    if "steps_to_target" in study.columns:
        lines.append(f"- The target is {study.target} above chance.")
    return "\n".join(lines)


def _looking(arms: dict[str, list[Run]]) -> str:
    """The last sheet of each arm, and the commands for its maps."""
    sheets, commands = [], []
    for name, own in arms.items():
        samples = sorted((own[0].workdir / "samples").glob("step_*.png"))
        if samples:
            place = samples[-1].relative_to(own[0].workdir.parents[1])
            sheets.append((name, f"![]({place})"))
        model = own[0].config.model
        attends = model.attention_resolutions != ()
        if attends and model.attention_replacement == "attention":
            commands += [
                f"python -m sagan_tf.attention --workdir={own[0].workdir} "
                f"--network={network} --output={name}_{network}.png"
                for network in ("generator", "discriminator")
            ]
    parts = []
    if sheets:
        names, pictures = zip(*sheets)
        parts.append(tables.markdown(names, [pictures]))
    if commands:
        parts.append("\n".join(["```", *commands, "```"]))
    return "\n\n".join(parts)
