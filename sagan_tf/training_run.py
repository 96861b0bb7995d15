"""Trains a run from where its workdir stands: what `sagan_tf.train` calls."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any, Iterator

import numpy as np
from absl import logging

from sagan_tf import runs
from sagan_tf.configuration import builders, validation
from sagan_tf.errors import DivergedError, UserError
from sagan_tf.training import (
    banner,
    classes,
    devices,
    distribution,
    first_look,
    lock,
    loop,
    run_log,
    weights_and_biases,
    workers,
)
from sagan_tf.training.termination import Termination
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import curves, sheets


def run(
    config: Any,
    workdir: Workdir,
    dry_run: bool = False,
    evaluate_every: int = 0,
    **network: str,
) -> None:
    """Trains from where the workdir stands to the last step.

    Args:
        config: a configuration, see `sagan_tf.configuration.default`.
        workdir: where the run lives.
        dry_run: whether to stop when everything is built and said.
        evaluate_every: steps between two self-evaluations; 0 for none.
        **network: `features` and `inception_path`, what these look through.

    Raises:
        UserError: if the configuration, the data or the workdir do not fit.
    """
    validation.validate(config)
    builders.build_loss(config)
    if config.log.wandb:
        weights_and_biases.import_package()
    config = config.copy_and_resolve_references()
    workdir.check()
    changes = _go_on(config, workdir)
    # The first of all: workers connect before TensorFlow does anything else.
    strategy = _open_devices(config, evaluate_every)
    # Kept, so that a run goes on in it on whatever machine.
    config.dtype = builders.resolve_dtype(config.dtype)
    with (
        Termination() as termination,
        workers.losses_explained(strategy),
        workers.own_workdir(strategy, workdir) as own,
        contextlib.nullcontext() if dry_run else lock.hold(own.path),
    ):
        dataset = builders.build_dataset(config, classes.known_names(workdir))
        findings, found = first_look.look(dataset)
        as_data = config.train.fake_labels == "data"
        with strategy.scope():
            gan = builders.build_gan(
                config, findings.class_shares() if as_data else None
            )
        checkpoints = builders.build_checkpoints(config, workdir)
        workers.restore_latest(gan, checkpoints)
        begun = ""
        if config.train.init_from and not checkpoints.steps():
            begun = runs.start_from(gan, config.train.init_from)
        if distribution.is_chief(strategy):
            schedule = builders.build_schedule(config)
            _say(banner.describe(gan, dataset, schedule, strategy, changes))
            _say(found)
            _say(begun)
        if dry_run:
            return
        classes.remember(dataset, own)
        own.write_config(json.loads(config.to_json()))
        with run_log.record(
            own.runs,
            lambda: int(gan.step.numpy()),
            dtype=config.dtype,
            changes=changes,
        ) as ending:
            real = first_look.sheet(dataset, findings)
            sheets.write_png(str(own.samples / "real.png"), real)
            with _advice(config, workdir):
                step = _train(
                    config,
                    gan,
                    dataset,
                    own,
                    termination,
                    evaluate_every,
                    changes,
                    real,
                    **network,
                )
            if step < config.train.num_steps:
                ending["how"] = f"stopped by {termination.requested}"
        if distribution.is_chief(strategy):
            _draw_curves(workdir)
            _say(_end(step, config.train.num_steps, workdir, termination))
        # Every worker waits until all have come here.
        distribution.everywhere(strategy, 0)


def _go_on(config: Any, workdir: Workdir) -> dict[str, Any]:
    """Refuses a run that another configuration made, and keeps its dtype.

    Returns:
        What changes: the old value and the new one by field.
    """
    if not workdir.config.exists():
        return {}
    stored = validation.read_stored(workdir.config)
    if config.dtype == "auto":
        config.dtype = validation.complete(stored).get("dtype", "auto")
    validation.keep_older(config, stored)
    return validation.check_same_model(config, stored, workdir.path)


@contextlib.contextmanager
def _advice(config: Any, workdir: Workdir) -> Iterator[None]:
    """Adds to the error of a diverged run a command that goes on with it."""
    try:
        yield
    except DivergedError as error:
        rates = " ".join(
            f"--config.optimizer.{name}_learning_rate="
            f"{config.optimizer[f'{name}_learning_rate'] / 2:g}"
            for name in ("generator", "discriminator")
        )
        raise DivergedError(
            f"{error}; go on at half the rates: python -m sagan_tf.train "
            f"--workdir={workdir.path} {rates}; or in float32, by "
            "--config.dtype=float32"
        ) from error


def _open_devices(config: Any, evaluate_every: int) -> Any:
    """Returns the run's strategy, whose devices compute as the run wants."""
    strategy = builders.build_strategy(config)
    if config.train.stop_after and not evaluate_every:
        raise UserError(
            "config.train.stop_after should be 0 without --evaluate_every. "
            f"Received: {config.train.stop_after}"
        )
    if evaluate_every and distribution.has_workers(strategy):
        raise UserError(
            "--evaluate_every should be 0 with several workers; score with "
            "sagan_tf.evaluate --watch beside them"
        )
    # No score is of TensorFloat-32, which is one switch for a whole process.
    devices.allow_tensor_float_32(
        config.train.tensor_float_32 and not evaluate_every
    )
    devices.warn_of_idle_gpu()
    return strategy


def _train(
    config: Any,
    gan: Any,
    dataset: Any,
    workdir: Workdir,
    termination: Termination,
    evaluate_every: int,
    changes: dict[str, Any],
    real: np.ndarray,
    **network: str,
) -> int:
    """Trains; returns the step reached."""
    step = int(gan.step.numpy())
    if step >= config.train.num_steps:
        return step
    records = builders.build_records(config, gan, workdir)
    checkpoints = builders.build_checkpoints(config, workdir)
    checkpoints.clean()
    extra = []
    if evaluate_every:
        evaluation = builders.build_self_evaluation(
            config,
            gan,
            dataset,
            workdir,
            evaluate_every,
            records,
            **network,
        )
        stop = builders.build_stop_after(config, evaluation, termination)
        extra = [evaluation, *stop]
    records.fields(validation.flatten(config))
    for change in banner.list_changes(changes):
        records.text(step, "change", change)
    records.image(step, "real", real)
    return loop.train(
        gan,
        dataset,
        workdir,
        checkpoints,
        builders.build_schedule(config),
        records,
        builders.build_measures(config),
        extra,
        termination,
    )


def _draw_curves(workdir: Workdir) -> None:
    try:
        curves.plot_metrics(workdir.metrics, workdir.curves)
    except OSError as error:
        # A full disk is no reason to end in an error what has ended well.
        logging.warning("%s is not drawn: %s", workdir.curves, error)


def _end(
    step: int, num_steps: int, workdir: Workdir, termination: Termination
) -> str:
    if step < num_steps:
        by = termination.requested or "a signal to another worker"
        return (
            f"stopped by {by} at step {step:,} of {num_steps:,}: the same "
            f"command goes on from the last checkpoint in {workdir.checkpoints}"
        )
    return f"step {step:,} reached: {workdir.samples} and {workdir.curves}"


def _say(text: str) -> None:
    if not text:
        return
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
