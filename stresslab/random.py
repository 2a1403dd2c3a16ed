"""Randomness: the only place where it is made.

Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011), written as plain integer operations so that XLA fuses
it into the loop over steps. The key is (seed, stream); the counter is (path, step, channel). A draw therefore depends
on nothing but these five numbers: not on the order of blocks, on workers or devices, nor on any parameter.

One cipher call gives two 32-bit words, that is two channels. Words become numbers from the small side, so that float32
tails keep their resolution: `uniform` reaches down to 2^-33 and `normal` to 6.2 standard deviations, and neither ever
gives 0 or 1.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

CHANNELS_PER_STEP = 128
SHOCKS, FUNDING, START = 126, 124, 122  # pairs of channels that no step draws from: see `reserved`
MAX_PATHS = 2**32
MAX_STEPS = 2**32 * 2 // CHANNELS_PER_STEP

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
_SIGN_BIT = np.uint32(0x80000000)
_BELOW_ONE = np.float32(1 - 2**-24)
# the largest that float32 does not round up to a probability of one
_LARGEST_WORD, _LARGEST_MAGNITUDE = np.uint32(2**32 - 129), np.int32(2**31 - 65)

# Giles (2012), "Approximating the erfinv function", table 5 (single precision), highest power first.
_CENTRAL = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
            -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)  # fmt: skip
_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
         -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)  # fmt: skip

# Moshier, Cephes mathematical library, logf.c, highest power first.
_LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
_ROOT_HALF_BITS = np.int32(0x3F3504F3)  # sqrt(1/2): the mantissa is brought between it and its double


class Key(NamedTuple):
    """What keys the cipher: both are whole numbers below 2^32."""

    seed: np.uint32 | Array
    stream: np.uint32 | Array


def key(seed: int, stream: int = 0) -> Key:
    """The cipher key of a study's seed and a stream number."""
    return Key(np.uint32(seed), np.uint32(stream))


def threefry2x32(key: Key, counter: tuple[Array, Array]) -> tuple[Array, Array]:
    """Two uint32 words for each counter pair: the 20-round Threefry-2x32 block cipher."""
    schedule = (key.seed, key.stream, key.seed ^ key.stream ^ _PARITY)
    left, right = counter[0] + schedule[0], counter[1] + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            left = left + right
            right = left ^ ((right << np.uint32(rotation)) | (right >> np.uint32(32 - rotation)))
        left = left + schedule[(group + 1) % 3]
        right = right + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return left, right


def packed_words(key: Key, path: Array, step: Array, n_words: int) -> tuple[Array, ...]:
    """The words of channels 0 .. n_words - 1 at (path, step), two to a complex64.

    A loop that carries them to its next turn computes the cipher once for each pair; read separately, XLA would compute
    it anew for every array that it feeds. Nothing is done with the complex numbers but taking them apart in `unpack`.
    """
    base = step * np.uint32(CHANNELS_PER_STEP // 2)
    pairs = (
        threefry2x32(key, (path, jnp.broadcast_to(base + np.uint32(pair), path.shape)))
        for pair in range((n_words + 1) // 2)
    )
    return tuple(lax.complex(_as_float(left), _as_float(right)) for left, right in pairs)


def unpack(packed: tuple[Array, ...]) -> tuple[Array, ...]:
    """The uint32 words in `packed`, in the order of their channels (one more than asked for if that was odd)."""
    halves = [half for pair in packed for half in (lax.real(pair), lax.imag(pair))]
    return tuple(lax.bitcast_convert_type(half, jnp.uint32) for half in halves)


def words(key: Key, path: Array, step: Array, n_words: int) -> tuple[Array, ...]:
    """The uint32 words of channels 0 .. n_words - 1 at (path, step)."""
    return unpack(packed_words(key, path, step, n_words))[:n_words]


def reserved(key: Key, path: Array, number: Any, channel: int) -> tuple[Array, Array]:
    """Two uint32 words for the draw `number` of a path that belongs to no step: a shock's time, a funding rate."""
    place = jnp.asarray(number, jnp.uint32) * np.uint32(CHANNELS_PER_STEP // 2) + np.uint32(channel // 2)
    return threefry2x32(key, (path, jnp.broadcast_to(place, path.shape)))


def antithetic(word: Array, mirrored: Array) -> Array:
    """`word` as it is, or where `mirrored` is set the word whose `normal` has the other sign."""
    return jnp.where(mirrored, word ^ _SIGN_BIT, word)


def uniform(word: Array) -> Array:
    """Uniform on (0, 1), float32, with full resolution towards 0."""
    return (jnp.minimum(word, _LARGEST_WORD).astype(jnp.float32) + np.float32(0.5)) * np.float32(2**-32)


def exponential(word: Array) -> Array:
    """Standard exponential, float32: -log of the word's `uniform`."""
    return -_log(uniform(word))


def normal(word: Array) -> Array:
    """Standard normal, float32: the sign bit and the two-sided tail probability of the other 31 bits.

    A float32 array in place of words is taken for normals drawn already: correlated ones have no words of their own.
    """
    if word.dtype == jnp.float32:
        return word
    tail = _two_sided_tail(word)
    centred = np.float32(1) - tail
    # -log(1 - centred^2), written so that a tiny tail probability keeps its digits
    w = -_log(tail * (np.float32(2) - tail))
    near = _horner(_CENTRAL, w - np.float32(2.5))
    far = _horner(_TAIL, jnp.sqrt(w) - np.float32(3))
    size = jnp.where(w < np.float32(5), near, far) * (centred * np.float32(np.sqrt(2)))
    return _as_float(lax.bitcast_convert_type(size, jnp.uint32) ^ (word & _SIGN_BIT))


def normal_survival(word: Array) -> Array:
    """P(Z > z) at the z that `normal` makes of the same word, float32, with full resolution towards 0."""
    if word.dtype == jnp.float32:
        return jnp.clip(np.float32(0.5) * lax.erfc(word * np.float32(np.sqrt(0.5))), np.float32(2**-33), _BELOW_ONE)
    half = _two_sided_tail(word) * np.float32(0.5)
    return jnp.where(word < _SIGN_BIT, half, jnp.minimum(np.float32(1) - half, _BELOW_ONE))


def _two_sided_tail(word: Array) -> Array:
    magnitude = jnp.minimum((word & ~_SIGN_BIT).astype(jnp.int32), _LARGEST_MAGNITUDE).astype(jnp.float32)
    return (magnitude + np.float32(0.5)) * np.float32(2**-31)


def _log(x: Array) -> Array:
    """Natural logarithm of positive, normal float32 numbers to about one unit in the last place.

    Cephes' logf without the cases that a probability never is (0, infinite, subnormal): a fifth of the loop's time.
    """
    bits = lax.bitcast_convert_type(x, jnp.int32)
    exponent = (bits - _ROOT_HALF_BITS) >> np.int32(23)
    f = lax.bitcast_convert_type(bits - (exponent << np.int32(23)), jnp.float32) - np.float32(1)
    e, square = exponent.astype(jnp.float32), f * f
    rest = f * square * _horner(_LOG, f) + e * np.float32(-2.12194440e-4) - np.float32(0.5) * square
    return f + rest + e * np.float32(0.693359375)


def _horner(coefficients: tuple[float, ...], x: Array) -> Array:
    value = jnp.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + np.float32(coefficient)
    return value


def _as_float(word: Array) -> Array:
    return lax.bitcast_convert_type(word, jnp.float32)
