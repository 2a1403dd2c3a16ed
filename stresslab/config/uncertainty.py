"""How sure a model file is of its numbers: `fitted.covariance`, or the replicates of a bootstrap, `fitted.draws`.

covariance: {names: [v0, kappa], matrix: [[0.02, 0.0], [0.0, 58.7]]}        natural units
draws: {names: [sigmas.0, sigmas.1], values: [[0.4, 0.9], [0.5, 1.1]]}      one row for each replicate
"""

from typing import Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, model_validator

from stresslab.config.fields import Distinct, Filled, Part, Text, listed
from stresslab.errors import require

_FEWEST_REPLICATES = 20
_NEGATIVE = 1e-8  # of the largest: eigenvalues below it are no rounding


def _rows(value: Any) -> tuple[tuple[float, ...], ...]:
    rows = tuple(listed(row) for row in listed(value))
    rule = "must be rows of finite numbers, as many in each as there are names"
    right = all(isinstance(x, int | float) and not isinstance(x, bool) and np.isfinite(x) for row in rows for x in row)
    require(right, rule)
    return tuple(tuple(float(x) for x in row) for row in rows)


Names = Annotated[tuple[Text, ...], Filled, Distinct]
Rows = Annotated[tuple[tuple[float, ...], ...], BeforeValidator(_rows)]


class Covariance(Part):
    """Of the parameters, in natural units."""

    names: Names
    matrix: Rows

    @model_validator(mode="after")
    def _square(self) -> Self:
        n, rule = len(self.names), "must have a row and a column for each name"
        require(len(self.matrix) == n and all(len(row) == n for row in self.matrix), rule, key="matrix")
        matrix = np.array(self.matrix)
        require(bool(np.allclose(matrix, matrix.T, rtol=1e-6, atol=0.0)), "must be symmetric", key="matrix")
        scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
        scale[scale == 0] = 1.0
        lowest = float(np.linalg.eigvalsh(matrix / np.outer(scale, scale)).min())
        require(lowest >= -_NEGATIVE * n, "must be positive semidefinite", key="matrix", got=lowest)
        return self


class Draws(Part):
    """Replicates of a bootstrap."""

    names: Names
    values: Rows

    @model_validator(mode="after")
    def _table(self) -> Self:
        rule = f"must be at least {_FEWEST_REPLICATES} rows, each with a number for each name"
        right = len(self.values) >= _FEWEST_REPLICATES and all(len(row) == len(self.names) for row in self.values)
        require(right, rule, key="values", got=len(self.values))
        return self


Uncertainty = Covariance | Draws
