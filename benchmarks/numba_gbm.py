"""The same simulation as a Numba user would tune it: parallel over blocks, vectorised over the paths of a block.

Geometric Brownian motion in float32 with the bridge's minimum in every step. Random words come from one xoshiro128++
generator per path (Blackman and Vigna 2021), or are the very words that stresslab uses, which tells the price of the
cipher from that of the rest. Logarithm (Cephes) and inverse normal (Giles 2012) are polynomials without branches, so
that LLVM turns the inner loop into vector instructions: `vector_bits` tells whether it did.
"""

import re
from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

f32, i32, u32 = np.float32, np.int32, np.uint32

SEEDS = np.uint64(0x9E3779B97F4A7C15)
SQRT_HALF_BITS, MANTISSA_BITS = i32(0x3F3504F3), i32(23)
BELOW_ONE = f32(1 - 2**-24)


@intrinsic
def _bits(typing_context: Any, value: Any) -> Any:
    """The bits of a float32 as an int32."""
    return nb.int32(nb.float32), lambda _, builder, __, given: builder.bitcast(given[0], ir.IntType(32))


@intrinsic
def _float(typing_context: Any, value: Any) -> Any:
    """The float32 with the bits of an int32."""
    return nb.float32(nb.int32), lambda _, builder, __, given: builder.bitcast(given[0], ir.FloatType())


@nb.njit(inline="always", fastmath=True)
def _log(x):
    bits = _bits(x)
    exponent = i32(bits - SQRT_HALF_BITS) >> MANTISSA_BITS
    f = _float(i32(bits - i32(exponent << MANTISSA_BITS))) - f32(1)
    p = f32(7.0376836292e-2)
    p = p * f + f32(-1.1514610310e-1)
    p = p * f + f32(1.1676998740e-1)
    p = p * f + f32(-1.2420140846e-1)
    p = p * f + f32(1.4249322787e-1)
    p = p * f + f32(-1.6668057665e-1)
    p = p * f + f32(2.0000714765e-1)
    p = p * f + f32(-2.4999993993e-1)
    p = p * f + f32(3.3333331174e-1)
    square = f * f
    return f + square * (p * f - f32(0.5)) + f32(exponent) * f32(0.69314718056)


@nb.njit(inline="always", fastmath=True)
def _normal(word):
    tail = min((f32(i32(word & u32(0x7FFFFFFF))) + f32(0.5)) * f32(2**-31), BELOW_ONE)
    w = -_log(tail * (f32(2) - tail))
    x = w - f32(2.5)
    near = f32(2.81022636e-08)
    near = near * x + f32(3.43273939e-07)
    near = near * x + f32(-3.5233877e-06)
    near = near * x + f32(-4.39150654e-06)
    near = near * x + f32(0.00021858087)
    near = near * x + f32(-0.00125372503)
    near = near * x + f32(-0.00417768164)
    near = near * x + f32(0.246640727)
    near = near * x + f32(1.50140941)
    x = np.sqrt(w) - f32(3)
    far = f32(-0.000200214257)
    far = far * x + f32(0.000100950558)
    far = far * x + f32(0.00134934322)
    far = far * x + f32(-0.00367342844)
    far = far * x + f32(0.00573950773)
    far = far * x + f32(-0.0076224613)
    far = far * x + f32(0.00943887047)
    far = far * x + f32(1.00167406)
    far = far * x + f32(2.83297682)
    size = (near if w < f32(5) else far) * (f32(1) - tail) * f32(1.4142135624)
    return _float(i32(_bits(size) | i32(word & u32(0x80000000))))


@nb.njit(inline="always", fastmath=True)
def _exponential(word):
    return -_log((f32(i32(word >> u32(1))) + f32(0.5)) * f32(2**-31))


@nb.njit(inline="always")
def _rotate(word, places):
    return u32(u32(word << u32(places)) | u32(word >> u32(32 - places)))


@nb.njit
def _seed(state, seed, first):
    """Splitmix64 of the path's number: four words for each path."""
    for lane in range(state.shape[1]):
        z = (np.uint64(seed) << np.uint64(32)) + np.uint64(first + lane)
        for word in range(4):
            z += SEEDS
            y = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            y = (y ^ (y >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state[word, lane] = u32(y >> np.uint64(33))


@nb.njit(inline="always", fastmath=True)
def _reached(start, low, first, second, drift, deviation, two_variance):
    """Log price after a step that began at `start`, and the running minimum, from two words."""
    move = drift + deviation * _normal(first)
    reach = np.sqrt(move * move + two_variance * _exponential(second))
    return start + move, min(low, start + f32(0.5) * (move - reach))


@nb.njit(fastmath=True, error_model="numpy")
def _steps(s0, s1, s2, s3, price, low, n_steps, drift, deviation, two_variance):
    """Some steps of one block: `price` is the log price, `low` its running minimum."""
    for _ in range(n_steps):
        for lane in range(price.shape[0]):
            a, b, c, d = s0[lane], s1[lane], s2[lane], s3[lane]
            first = u32(_rotate(u32(a + d), 7) + a)
            t = u32(b << u32(9))
            c, d = u32(c ^ a), u32(d ^ b)
            b, a, c, d = u32(b ^ c), u32(a ^ d), u32(c ^ t), _rotate(d, 11)
            second = u32(_rotate(u32(a + d), 7) + a)
            t = u32(b << u32(9))
            c, d = u32(c ^ a), u32(d ^ b)
            s1[lane], s0[lane], s2[lane], s3[lane] = u32(b ^ c), u32(a ^ d), u32(c ^ t), _rotate(d, 11)
            price[lane], low[lane] = _reached(price[lane], low[lane], first, second, drift, deviation, two_variance)


@nb.njit(inline="always")
def _mix(left, right, places):
    left = u32(left + right)
    return left, u32(_rotate(right, places) ^ left)


@nb.njit(fastmath=True, error_model="numpy")
def _counted_steps(seed, first, since, price, low, n_steps, drift, deviation, two_variance):
    """As `_steps`, with the random words that stresslab uses: Threefry-2x32 of (path, step) in 20 rounds."""
    k0, k1 = u32(seed), u32(0)
    k2 = u32(k0 ^ u32(0x1BD11BDA))
    for step in range(since, since + n_steps):
        for lane in range(price.shape[0]):
            a, b = u32(u32(first) + u32(lane) + k0), u32(u32(step) * u32(64) + k1)
            for key_a, key_b, number, odd in (
                (k1, k2, 1, 0),
                (k2, k0, 2, 1),
                (k0, k1, 3, 0),
                (k1, k2, 4, 1),
                (k2, k0, 5, 0),
            ):
                a, b = _mix(a, b, 17 if odd else 13)
                a, b = _mix(a, b, 29 if odd else 15)
                a, b = _mix(a, b, 16 if odd else 26)
                a, b = _mix(a, b, 24 if odd else 6)
                a, b = u32(a + key_a), u32(b + key_b + u32(number))
            price[lane], low[lane] = _reached(price[lane], low[lane], a, b, drift, deviation, two_variance)


@nb.njit(parallel=True)
def minima(counted, seed, n_paths, lanes, segments, drift, deviation, two_variance):
    """Log price at the end, (path,), and its running minimum at the end of each segment, (segment, path).

    With `counted` the words are stresslab's own, else each path has a xoshiro128++ generator.
    """
    ends, lows = np.empty(n_paths, f32), np.empty((len(segments), n_paths), f32)
    for block in nb.prange(n_paths // lanes):
        first = block * lanes
        s = np.empty((4, lanes), u32)
        _seed(s, seed, first)
        price, low, since = np.zeros(lanes, f32), np.zeros(lanes, f32), 0
        for segment in range(len(segments)):
            n_steps = segments[segment]
            if counted:
                _counted_steps(seed, first, since, price, low, n_steps, drift, deviation, two_variance)
            else:
                _steps(s[0], s[1], s[2], s[3], price, low, n_steps, drift, deviation, two_variance)
            lows[segment, first : first + lanes] = low
            since += n_steps
        ends[first : first + lanes] = price
    return ends, lows


def vector_bits() -> int:
    """The widest vector registers in which the compiled inner loop multiplies float32 numbers; 0 before its first
    call.
    """
    assembly = "".join([*_steps.inspect_asm().values(), *_counted_steps.inspect_asm().values()])
    found = re.findall(r"v(?:mul|fmadd\w+)ps\s[^\n]*%([xyz])mm", assembly)
    return max(({"x": 128, "y": 256, "z": 512}[letter] for letter in found), default=0)


def threads() -> int:
    """How many threads share the blocks."""
    return int(nb.get_num_threads())
