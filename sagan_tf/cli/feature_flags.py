"""`--features` and `--inception_path`: what images are looked at through."""

from __future__ import annotations

import re

from absl import flags

from sagan_tf.cli import command

_NAMES = [
    *("auto", "own", "inception"),
    *("twins", "twins-classifier"),
    *("digits", "digits-classifier"),
]

# As in `command`: these flags count as the calling command's.
flags.disclaim_key_flags()


class _FeaturesParser(flags.EnumParser):
    """Takes names of a list, and of classifiers that are kept."""

    def parse(self, argument: str) -> str:
        if re.fullmatch("own-[0-9a-f]{8}", argument):
            return argument
        return super().parse(argument)


def define() -> tuple[flags.FlagHolder, flags.FlagHolder]:
    """Defines both flags, of commands that score."""
    return (
        flags.DEFINE(
            _FeaturesParser(_NAMES),
            "features",
            "auto",
            "Network to look through: inception, twins or digits. auto: that "
            "of the embedded data, or Inception; own: a classifier that learns "
            "the run's classes; own-1a2b3c4d: one that learned another run's.",
            flags.FLAGS,
            flags.ArgumentSerializer(),
        ),
        command.define_path(
            "inception_path",
            "",
            "SavedModel of TF-GAN's Inception, or one like it.",
        ),
    )
