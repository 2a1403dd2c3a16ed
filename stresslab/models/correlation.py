"""Correlation matrices of several assets: what is one, stressed towards one, and taken apart for drawing.

    R(w) = (1 - w) R + w 11'        0 <= w <= 1

is symmetric with a unit diagonal, and positive definite for w < 1 wherever R is: x'R(w)x = (1 - w) x'Rx + w (1'x)^2.
"""

from typing import Any

import numpy as np

from stresslab.errors import require

SMALLEST = 1e-6  # eigenvalue of a matrix that is offered in place of one that is not positive definite


def matrix_of(written: float | tuple[tuple[float, ...], ...], size: int) -> np.ndarray:
    """A matrix, or one number for every pair, as an array of `size` rows; InputError for another number of them."""
    try:
        matrix = np.asarray(written, float)
    except ValueError:  # rows of different lengths
        matrix = np.zeros(0)
    rule = f"must be one number, or a matrix of {size} rows and columns"
    require(matrix.shape in ((), (size, size)), rule, key="correlation", got=written)
    return matrix if matrix.ndim else np.where(np.eye(size, dtype=bool), 1.0, matrix)


def tuples(value: Any) -> Any:
    """The lists of a YAML file as tuples."""
    return tuple(map(tuples, value)) if isinstance(value, list | tuple) else value


def checked(matrix: np.ndarray) -> None:
    """InputError unless the matrix is symmetric and positive definite with a unit diagonal."""
    got = [[float(f"{value:.6g}") for value in row] for row in matrix]
    require(bool(np.all(matrix == matrix.T)), "must be symmetric", key="correlation", got=got)
    require(bool(np.all(np.diag(matrix) == 1)), "must have ones on its diagonal", key="correlation", got=got)
    inside = np.abs(matrix - np.eye(len(matrix))) < 1
    require(bool(inside.all()), "correlations lie between -1 and 1", key="correlation", got=got)
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    require(
        smallest > 0,
        f"must be positive definite; its smallest eigenvalue is {smallest:.3g}",
        key="correlation",
        got=got,
        hint=f"One nearby that is: {np.round(nearby(matrix), 4).tolist()}",
    )


def nearby(matrix: np.ndarray) -> np.ndarray:
    """A positive definite correlation matrix close by: negative eigenvalues lifted, the diagonal scaled back to one.

    The spectral method of Rebonato and Jaeckel (1999), "The most general methodology to create a valid correlation
    matrix"; mixed with a little of the identity, so that rounding to four digits leaves it definite.
    """
    values, vectors = np.linalg.eigh(matrix)
    lifted = (vectors * np.maximum(values, SMALLEST)) @ vectors.T
    size = np.sqrt(np.diag(lifted))
    return (1 - 1e-3) * lifted / np.outer(size, size) + 1e-3 * np.eye(len(matrix))


def stressed(matrix: np.ndarray, stress: float) -> np.ndarray:
    """R(w), the matrix moved towards one by `stress`."""
    return (1 - stress) * matrix + stress * np.ones_like(matrix)


def factor(matrix: np.ndarray) -> np.ndarray:
    """Lower triangular L with L L' = the matrix: Cholesky's, which here may end in zeros, as at a stress of one."""
    size = len(matrix)
    lower = np.zeros((size, size))
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row, column] - lower[row, :column] @ lower[column, :column]
            if row == column:
                lower[row, row] = np.sqrt(max(rest, 0.0))
            elif lower[column, column] > 1e-9:
                lower[row, column] = rest / lower[column, column]
    return lower
