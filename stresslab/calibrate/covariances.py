"""A covariance of estimates that is one: as it comes out of a fit, and as it is rounded for a file.

A Hessian by finite differences may have an eigenvalue a little below 0: it is set to 0. One that is far below, or a
number that is not finite, says that the data do not identify the parameters: then there is no covariance.

A covariance rounded entry by entry may lose its positive definiteness. Its correlations are therefore drawn towards 0
by as little (1e-4 to begin with) as makes the rounded matrix positive semidefinite again.
"""

from collections.abc import Mapping

import numpy as np

from stresslab.calibrate.model_yaml import rounded
from stresslab.errors import InputError, require

CONSISTENT = 0.01  # relative: standard errors must be the roots of the covariance's diagonal
SLIGHT = 1e-3  # negative eigenvalues of the correlations up to here are put right
DIGITS = 4  # significant ones in the file
ROUNDING = 1e-12  # of an eigenvalue that is 0, as where a parameter is held on its bound
SHRINKS = (0.0, 1e-4, 1e-3, 1e-2)
NONE = "no covariance of the parameters could be worked out: these data do not identify every one of them"


def checked(kind: str, errors: Mapping[str, float], covariance: np.ndarray) -> tuple[np.ndarray | None, str]:
    """The covariance that belongs to these standard errors, or none, and a warning where that is so."""
    matrix = np.asarray(covariance, float)
    shape = (len(errors), len(errors))
    require(matrix.shape == shape, "the covariance is that of the standard errors", key=kind, got=matrix.shape)
    if not (np.isfinite(matrix).all() and (np.diag(matrix) >= 0).all()):
        return None, NONE
    same = bool(np.allclose(np.sqrt(np.diag(matrix)), list(errors.values()), rtol=CONSISTENT, atol=0.0))
    require(same, "standard errors are the roots of the covariance's diagonal", key=kind, got=dict(errors))
    scale = _scale(matrix)
    found, vectors = np.linalg.eigh((matrix + matrix.T) / 2 / scale)
    if len(found) and found.min() < -SLIGHT:
        return None, NONE
    repaired = (vectors * np.maximum(found, 0.0)) @ vectors.T * scale
    held = np.diag(matrix) == 0  # what is held must not come back as a rounding error
    repaired[held] = repaired[:, held] = 0.0
    return (matrix + matrix.T) / 2 if not len(found) or found.min() >= 0 else repaired, ""


def rounded_covariance(matrix: np.ndarray) -> np.ndarray:
    """The matrix to `DIGITS` significant digits, positive semidefinite."""
    scale = _scale(matrix)
    correlations = matrix / scale
    own = np.diag(np.diag(correlations))
    for shrink in SHRINKS:
        drawn = (shrink * own + (1 - shrink) * correlations) * scale
        found = np.array([[rounded(float(value), DIGITS) for value in row] for row in drawn])
        if np.linalg.eigvalsh(found / scale).min() >= -ROUNDING:
            return found
    lowest = float(np.linalg.eigvalsh(correlations).min())
    raise InputError("the covariance of the parameters is not positive semidefinite", key="covariance", got=lowest)


def _scale(matrix: np.ndarray) -> np.ndarray:
    """What makes it a matrix of correlations; 1 where there is no variance."""
    deviations = np.sqrt(np.diag(matrix))
    scale = np.outer(deviations, deviations)
    return np.where(scale > 0, scale, 1.0)
