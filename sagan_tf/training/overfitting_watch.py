"""Says where the discriminator knows the real images by heart."""

from __future__ import annotations

# Mean sign of the logits of real images, the measure that ADA adapts to
# (arXiv:2006.06676, equation 1). It holds 0.6; above this, hardly a real image
# is ever taken for a generated one.
_TOO_SURE = 0.95
# Records in a row that make a habit of a moment.
_IN_A_ROW = 5


class OverfittingWatch:
    """Warns once if nothing is done against learning images by heart.

    Args:
        names: the changes that augment; with any there is no warning.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._since: list[int] = []

    def observe(self, step: int, values: dict[str, float]) -> list[str]:
        """Looks at a record.

        Args:
            step: the step.
            values: its metrics, `d_real_sign` among them.

        Returns:
            A warning, if it is new.
        """
        sign = values.get("d_real_sign", 0.0)
        if self._names or len(self._since) > _IN_A_ROW:
            return []
        self._since = [*self._since, step] if sign >= _TOO_SURE else []
        if len(self._since) <= _IN_A_ROW:
            return []
        return [
            f"overfitting since step {self._since[0]}: the discriminator knows "
            f"{(1.0 + sign) / 2:.0%} of the real images (d_real_sign "
            f"{sign:.2f}); train.augmentation helps where there are few"
        ]
