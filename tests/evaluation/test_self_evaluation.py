"""A run that scores itself leaves the rows that `evaluate` would."""

import csv

import pytest
import tensorflow as tf

from configs import default
from sagan_tf.configuration import builders
from sagan_tf.errors import UserError
from sagan_tf.evaluation import scoring
from sagan_tf.training import loop, sinks
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir
from sagan_tf.user_cache import CACHE_VARIABLE
from sagan_tf.visualization import curves
from tests.training.test_records import Memory


@pytest.fixture
def config():
    config = default.get_config()
    config.model.base_channels = 2
    config.model.discriminator_base_channels = 4
    config.model.latent_dim = 4
    config.model.attention_resolutions = ()
    config.dataset.num_examples = 400
    config.train.batch_size = 4
    config.train.num_steps = 4
    config.train.steps_per_call = 1
    config.checkpoint.every_steps = 2
    config.log.every_steps = 2
    return config


def test_run_scores_itself(config, tmp_path, cache, monkeypatch, bars):
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    monkeypatch.setitem(scoring._NUM_IMAGES, False, 80)
    dataset = builders.build_dataset(config)
    gan = builders.build_gan(config)
    workdir = Workdir(tmp_path)
    checkpoints = Checkpoints(workdir.checkpoints)
    records = builders.build_records(config, gan, workdir)
    callback = builders.build_self_evaluation(
        config, gan, dataset, workdir, 2, records
    )
    loop.train(
        gan,
        dataset,
        workdir,
        checkpoints,
        builders.build_schedule(config),
        records,
        extra_callbacks=[callback],
    )
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "4"]
    generated = [bar for bar in bars() if bar[0] != "real"]
    assert generated == [("step 2", 0, 80, 80), ("step 4", 0, 80, 80)]
    name = "fid80_twins-classifier"
    assert rows[0][name] != rows[1][name]
    assert len(list((tmp_path / "best").glob("step_*"))) == 1
    assert '"collapse_since": -1.0' in workdir.metrics.read_text()
    recorded = curves.read_metrics(workdir.metrics)[f"scores/{name}"]
    assert [(str(step), value) for step, value in recorded] == [
        (row["step"], pytest.approx(float(row[name]))) for row in rows
    ]
    # The same image from the checkpoint gives the same scores.
    sampler = callback.action.scorer.sample
    sampler.restore = checkpoints.restore_generator
    card = callback.action.scorer.card
    again = callback.action.scorer.evaluator.score(sampler(4), card)
    assert again.values[name] == pytest.approx(float(rows[1][name]), rel=1e-4)


@pytest.mark.parametrize("kind", [UserError, MemoryError, ValueError])
def test_score_that_fails_does_not_end_the_run(tmp_path, caplog, kind):
    from sagan_tf.evaluation.run_scorer import SelfEvaluation

    class Broken:
        workdir = Workdir(tmp_path)

        def score(self, step):
            raise kind(f"no score of {step}")

    memory = Memory()
    SelfEvaluation(Broken(), sinks.Records([memory]))(7)
    words = "step 7 is not scored: no score of 7"
    assert words in caplog.text
    assert memory.seen == [("text", 7, "warning", words)]


def test_interval_that_is_no_multiple_is_refused(config, tmp_path):
    with pytest.raises(UserError, match=r"every_steps \(2\). Received: 3"):
        builders.build_self_evaluation(
            config, tf.keras.Model(), None, Workdir(tmp_path), 3, None
        )
