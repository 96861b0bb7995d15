"""The bar that a long command shows."""

import sys

import tqdm


def progress_bar(
    total: int,
    unit: str = "image",
    description: str | None = None,
    *,
    initial: int = 0,
    is_hidden: bool = False,
    stays: bool = False,
) -> tqdm.tqdm:
    """Returns a bar on standard error.

    A file or a pipe gets a line now and then, not a flood; what is done sooner
    than that shows none, unless it stays.

    Args:
        total: number of what is done in the end.
        unit: what is counted.
        description: what stands before the bar.
        initial: what was done before.
        is_hidden: whether nothing is shown.
        stays: whether the bar is left to be read.

    Returns:
        A context: `update(n)` adds `n` to its number `n`.
    """
    is_terminal = sys.stderr.isatty()
    interval = 0.5 if is_terminal else 15.0
    return tqdm.tqdm(
        total=total,
        unit=unit,
        desc=description,
        initial=initial,
        disable=is_hidden,
        leave=stays,
        file=sys.stderr,
        mininterval=interval,
        delay=0.0 if stays else interval,
        dynamic_ncols=is_terminal,
    )
