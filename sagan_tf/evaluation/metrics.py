"""The metrics: one entry each, which everything that shows scores loops over.

A metric more is its function and its entry here; `gathering` has what it can
need of the images, and `comparison` what several share.
"""

from __future__ import annotations

import operator
from typing import Callable, Iterable

import numpy as np

from sagan_tf.evaluation import coherence, protocol, tfgan
from sagan_tf.evaluation.metric import Metric, Setting
from sagan_tf.evaluation.numerics.moments import frechet_distance

TFGAN = "tfgan"


def _has_classes(setting: Setting) -> bool:
    return setting.num_classes > 0


def _has_accuracy(setting: Setting) -> bool:
    """Returns whether the network was trained for these classes."""
    # Without labels, or with those of other classes, every hit is chance.
    network = setting.network
    return (
        getattr(network, "test_accuracy", None) is not None
        and setting.num_classes == network.num_classes
    )


def _is_twins(setting: Setting) -> bool:
    # Their hues are compared.
    return setting.data == "twins" and setting.channels == 3


def _of_hues(
    name: str, share: Callable[[np.ndarray], float], better: str = ""
) -> Metric:
    """Returns a metric of the hues of both halves of twins."""
    return Metric(
        name,
        lambda pair: share(pair.fake.parts["hues"].joined()),
        needs=("hues",),
        needs_of_real=(),
        better=better,
        applies_to=_is_twins,
        compares=False,
        of_pixels=True,
        of_images=lambda images: share(coherence.half_hues(images)),
    )


_ENTRIES = (
    Metric(
        "fid",
        lambda pair: frechet_distance(pair.real.moments, pair.fake.moments),
        needs=("moments",),
        better="lower",
        reference="halves",
    ),
    Metric(
        "is",
        lambda pair: pair.fake.parts["class_score"].result(),
        needs=("class_score",),
        better="higher",
        reference="real",
        compares=False,
    ),
    Metric(
        "is_splits",
        lambda pair: pair.splits and pair.splits.mean,
        needs=("logits",),
        needs_of_real=(),
        better="higher",
        compares=False,
    ),
    Metric(
        "is_splits_deviation",
        lambda pair: pair.splits and pair.splits.deviation,
        needs=("logits",),
        needs_of_real=(),
        compares=False,
    ),
    Metric(
        "kid",
        lambda pair: tfgan.kernel_distance(*pair.features()),
        needs=("features",),
        of_kept=True,
        better="lower",
    ),
    Metric(
        "kid_subsets",
        lambda pair: pair.subsets.mean,
        needs=("features",),
        better="lower",
    ),
    Metric(
        "kid_subsets_deviation",
        lambda pair: pair.subsets.deviation,
        needs=("features",),
    ),
    *(
        Metric(
            name,
            operator.attrgetter(f"neighbours.{name}"),
            needs=("features",),
            of_kept=True,
            better=better,
            reference="halves",
            guards=name == "recall",
        )
        for name, better in (
            ("precision", "higher"),
            ("recall", "higher"),
            ("density", "higher"),
            ("coverage", "higher"),
            ("nearer", ""),
        )
    ),
    Metric(
        "intra_fid",
        lambda pair: pair.within_classes and pair.within_classes.distance,
        needs=("features", "labels"),
        better="lower",
        applies_to=_has_classes,
    ),
    Metric(
        "class_variety",
        lambda pair: pair.within_classes and pair.within_classes.variety,
        needs=("features", "labels"),
        applies_to=_has_classes,
        guards=True,
    ),
    Metric(
        "accuracy",
        lambda pair: pair.fake.accuracy,
        needs=("hits",),
        better="higher",
        applies_to=_has_accuracy,
        reference="real",
        compares=False,
    ),
    *(
        Metric(
            name,
            operator.attrgetter(f"accuracies.{part}"),
            needs=("small_images", "labels"),
            needs_of_real=(),
            better="higher",
            applies_to=lambda setting: setting.test is not None,
            reference=reference,
            of_pixels=True,
        )
        for name, part, reference in (
            ("cas", "score", "real"),
            ("cas_reverse", "reverse", ""),
        )
    ),
    _of_hues("coherence", coherence.share_that_agrees, "higher"),
    _of_hues("coherence_shuffled", coherence.share_by_chance),
    _of_hues("hue_coverage", coherence.hue_coverage, "higher"),
)
METRICS = {metric.name: metric for metric in _ENTRIES}


def applicable(setting: Setting) -> list[Metric]:
    """Returns the metrics that data and network have, in order."""
    return [m for m in METRICS.values() if m.applies_to(setting)]


def needs(chosen: Iterable[Metric], of_real: bool = False) -> list[str]:
    """Returns what metrics need of generated or of real images."""
    found: dict[str, None] = {}
    for metric in chosen:
        own = metric.needs_of_real if of_real else None
        found.update(dict.fromkeys(metric.needs if own is None else own))
    return list(found)


def names_of_best() -> list[str]:
    """Returns the metrics that a checkpoint can be best by."""
    return [metric.name for metric in METRICS.values() if metric.better]


def reference_of(column: str) -> str:
    """Returns the name of the score that stands beside one; empty for none."""
    metric = METRICS.get(protocol.metric_of(column))
    return metric.reference_name if metric else ""


def is_reference(column: str) -> bool:
    """Returns whether a score is of real images alone."""
    return column.startswith(("halves_", "real_"))
