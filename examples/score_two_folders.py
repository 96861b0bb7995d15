"""Scores the images of one folder against those of another.

    python examples/score_two_folders.py real fake [--inception=DIRECTORY]

FID, Inception score, KID, precision and recall through TF-GAN's Inception,
which is downloaded when it is first wanted, or read from a directory
(docs/evaluation.md says how to get it). Real images are looked at once.
"""

import argparse
import json

from sagan_tf.evaluation.options import Options
from sagan_tf.evaluation.scoring import score_files


def main(argv: list[str] | None = None) -> dict[str, float]:
    """Prints the scores as JSON, and returns them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("real", help="a folder, .zip or .npz of images")
    parser.add_argument("fake", help="a folder, .zip or .npz of images")
    parser.add_argument("--inception", default="", help="a SavedModel")
    parser.add_argument("--cache", default="", help="of the real statistics")
    parser.add_argument(
        "--force", action="store_true", help="also score few images"
    )
    arguments = parser.parse_args(argv)
    options = Options(
        features="inception",
        inception_path=arguments.inception,
        cache_dir=arguments.cache,
        force=arguments.force,
    )
    scores = score_files(arguments.real, arguments.fake, options)
    print(json.dumps(scores.values, indent=2))
    return scores.values


if __name__ == "__main__":
    main()
