"""Margin top-up: cash from the reserve when equity / requirement falls below a ratio, back to a target ratio.

amount = target R - E     where E < trigger R, as far as the reserve reaches, at most once in `wait` steps
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.policies import ratio
from stresslab.accounts.policies.base import Acting, Transfer
from stresslab.accounts.state import Books


class MarginTopUpNumbers(NamedTuple):
    """Shape (book,)."""

    trigger: Any  # equity / requirement
    target: Any  # equity / requirement
    wait: Any  # int32, steps between two top-ups


@dataclass(frozen=True)
class MarginTopUp(Acting):
    """The choices. Its memory: the step from which it may act, int32."""

    account: int = 0

    def start(self, numbers: MarginTopUpNumbers, nothing: Array) -> Array:
        return jnp.zeros(nothing.shape, jnp.int32)

    def act(
        self, numbers: MarginTopUpNumbers, memory: Array, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Array, tuple[Transfer, ...]]:
        held, required = ratio.margins(self.account, form, of_book, books)
        is_short = ratio.is_short(self.account, numbers.trigger[:, None], held, required, books)
        does = is_short & (books.step >= memory) & (books.reserve > np.float32(0))
        missing = jnp.maximum(numbers.target[:, None] * required - held, np.float32(0))
        after = jnp.where(does, books.step + numbers.wait[:, None], memory)
        return after, (Transfer(self.account, jnp.where(does, missing, np.float32(0))),)
