"""The fused loop over steps, and how it is spread over a device.

One step: words of randomness -> model.step -> pieces -> where they lead -> an observer sees each piece.
XLA's CPU compiler fuses all that leads to an array into that array's loop: the cipher would be worked out anew for each
array of the carry. So a state of two numbers is carried as one complex array; a larger one with the words drawn one
step ahead; and with jumps every turn does the four parts for four consecutive steps. Nothing of a path is kept but what
the observer carries.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import Mesh, PartitionSpec

from stresslab import device, random
from stresslab.models.base import Diffusion, Dynamics, Layout, Piece, State
from stresslab.numerics import bridge_extremes

traces: Counter[Any] = Counter()  # how often each engine shape was traced: a test holds these at one


class Reach(NamedTuple):
    """Of a diffusion piece: its lowest and highest log price, and the one at its end, shape (asset, path).

    With `Walk.bridges` also what those extremes were made of: the variance on the way, and the exponential draws.
    """

    low: Array
    high: Array
    end: Array
    variance: Any = ()
    exponential: Any = ()


class Gap(NamedTuple):
    """Of a jump piece: the log price after it, shape (asset, path)."""

    end: Array


class Observer(Protocol):
    """What watches each step, whose pieces are in time order. `seen` is its carry."""

    def step(self, seen: Any, track: "Track") -> Any: ...


class Walk(NamedTuple):
    """What stays the same along the paths of one scan."""

    dynamics: Dynamics
    layout: Layout
    antithetic: bool
    key: random.Key
    number: Array  # uint32 path numbers, shape (1, path)
    coefficients: Any
    extra: int = 0  # words of each step for the observer's own use; antithetic paths share them
    bridges: bool = False  # whether the observer is told what the bridges were made of


class Moves(NamedTuple):
    """Pieces of one step before they are added to the price; one exponential draw for the bridge of each diffusion."""

    pieces: tuple[Piece, ...]
    exponentials: tuple[Array, ...]
    variance: Array
    words: tuple[Array, ...] = ()


class Track(NamedTuple):
    """Pieces of one step where they lie, the variance after it, and the observer's own words of it."""

    pieces: tuple[Reach | Gap, ...]
    variance: Array
    words: tuple[Array, ...] = ()


class Ahead(NamedTuple):
    """With jumps: `track`, `moves` and the words in `packed` of the one, two and three steps after those observed."""

    track: Track
    moves: Moves
    packed: tuple[Array, ...]
    state: State  # log price at the end of `track`; variance and memory at the end of `moves`


class Place(NamedTuple):
    """Where the paths of a scan stand. The step is part of a path's state, not the loop's index."""

    state: State  # at the end of the last step that was observed; the memory is `ahead` if that is
    step: Array  # the step that is drawn next
    ahead: Ahead | None


def begin(walk: Walk, start: State) -> Place:
    """At time 0, with what is drawn once for each path; with jumps the first three steps are under way."""
    start = walk.dynamics.draw(walk.coefficients, start, walk.key, identity(walk))
    if not walk.layout.jumps:
        return Place(start, jnp.zeros((), jnp.uint32), None)
    words = [_draw(walk, jnp.full((), step, jnp.uint32)) for step in range(3)]
    state, moves = _move(walk, start, words[0])
    track, log_price = _trace(walk, start.log_price, moves)
    state, moves = _move(walk, state, words[1])
    ahead = Ahead(track, moves, words[2], state._replace(log_price=log_price))
    return Place(start._replace(memory=()), jnp.full((), len(words), jnp.uint32), ahead)


def many_steps(walk: Walk, place: Place, observer: Observer, seen: Any, n_steps: Array) -> tuple[Place, Any]:
    """Observe `n_steps` more steps, a number known only when the loop runs.

    Three forms of one loop, all with the same numbers: what XLA's CPU compiler works out once differs.
    """
    if place.ahead is not None:
        return _loop(n_steps, lambda carry: _staged_step(walk, observer, *carry), (place, seen))
    is_one_number = not walk.dynamics.has_variance and not jax.tree.leaves(place.state.memory)
    if is_one_number and walk.layout.assets == 1 and len(jax.tree.leaves(seen)) == 1:
        return _steps_in_one_array(walk, place, observer, seen, n_steps)
    carry = place, seen, _draw(walk, place.step)
    place, seen, _ = _loop(n_steps, lambda carry: _step_with_words_ahead(walk, observer, *carry), carry)
    return place, seen


def _loop(n_steps: Array, body: Callable[[Any], Any], carry: Any) -> Any:
    return lax.fori_loop(jnp.zeros((), jnp.int32), n_steps, lambda _, carried: body(carried), carry)


def _steps_in_one_array(walk: Walk, place: Place, observer: Observer, seen: Any, n_steps: Array) -> tuple[Place, Any]:
    """Where a path's whole state is its log price and one number seen, they are the two halves of one complex array."""
    leaves, tree = jax.tree.flatten(seen)
    variance = place.state.variance

    def body(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        step, both = carry
        state, track = _one(walk, State(lax.real(both), variance), _draw(walk, step))
        (after,) = jax.tree.leaves(observer.step(jax.tree.unflatten(tree, [lax.imag(both)]), track))
        return step + np.uint32(1), lax.complex(state.log_price, after)

    start = place.step, lax.complex(place.state.log_price, leaves[0])
    step, both = _loop(n_steps, body, start)
    return Place(State(lax.real(both), variance), step, None), jax.tree.unflatten(tree, [lax.imag(both)])


def _step_with_words_ahead(
    walk: Walk, observer: Observer, place: Place, seen: Any, packed: tuple[Array, ...]
) -> tuple[Place, Any, tuple[Array, ...]]:
    step = place.step + np.uint32(1)
    state, track = _one(walk, place.state, packed)
    return Place(state, step, None), observer.step(seen, track), _draw(walk, step)


def _staged_step(walk: Walk, observer: Observer, place: Place, seen: Any) -> tuple[Place, Any]:
    assert place.ahead is not None
    ahead = place.ahead
    seen = observer.step(seen, ahead.track)
    observed = State(ahead.track.pieces[-1].end, ahead.track.variance)
    track, log_price = _trace(walk, ahead.state.log_price, ahead.moves)
    state, moves = _move(walk, ahead.state, ahead.packed)
    packed = _draw(walk, place.step)
    ahead = Ahead(track, moves, packed, state._replace(log_price=log_price))
    return Place(observed, place.step + np.uint32(1), ahead), seen


def _one(walk: Walk, state: State, packed: tuple[Array, ...]) -> tuple[State, Track]:
    """One whole step without jumps."""
    after, moves = _move(walk, state, packed)
    track, log_price = _trace(walk, state.log_price, moves)
    return after._replace(log_price=log_price), track


def identity(walk: Walk) -> Array:
    """The path number that the cipher sees: a path and its antithetic partner are neighbours that share their words."""
    return walk.number >> np.uint32(1) if walk.antithetic else walk.number


def _draw(walk: Walk, step: Array) -> tuple[Array, ...]:
    n_words = walk.layout.n_words + walk.layout.n_bridges + walk.extra
    return random.packed_words(walk.key, identity(walk), step, n_words)


def _move(walk: Walk, state: State, packed: tuple[Array, ...]) -> tuple[State, Moves]:
    words = random.unpack(packed)
    if walk.antithetic:
        mirrored = (walk.number & np.uint32(1)) == np.uint32(1)
        n = walk.layout.normals
        words = tuple(random.antithetic(word, mirrored) for word in words[:n]) + words[n:]
    of_model = walk.layout.n_words
    after, pieces = walk.dynamics.step(walk.coefficients, state, words[:of_model])
    drawn = of_model + walk.layout.n_bridges
    exponentials = _exponentials(walk, state, words[of_model:drawn])
    return after, Moves(pieces, exponentials, after.variance, words[drawn : drawn + walk.extra])


def _exponentials(walk: Walk, state: State, words: tuple[Array, ...]) -> tuple[Array, ...]:
    """One draw for each diffusion piece, shape (asset, path); those of several assets depend on each other."""
    assets = walk.layout.assets
    if assets == 1:
        return tuple(random.exponential(word) for word in words)
    of_pieces = [jnp.concatenate(words[first : first + assets]) for first in range(0, len(words), assets)]
    return tuple(walk.dynamics.bridges(walk.coefficients, state, word) for word in of_pieces)


def _trace(walk: Walk, log_price: Array, moves: Moves) -> tuple[Track, Array]:
    exponentials = iter(moves.exponentials)
    pieces: list[Reach | Gap] = []
    for piece in moves.pieces:
        end = log_price + piece.move
        if isinstance(piece, Diffusion):
            drawn = next(exponentials)
            made_of = (piece.variance, drawn) if walk.bridges else ()
            pieces.append(Reach(*bridge_extremes(log_price, end, piece.variance, drawn), end, *made_of))
        else:
            pieces.append(Gap(end))
        log_price = end
    return Track(tuple(pieces), moves.variance, moves.words), log_price


def spread(dynamics: Dynamics, one: State, n_paths: int) -> State:
    """The state of one path given to all: a variance that never moves stays a single number, as do scalars."""

    def wide(leaf: Any) -> Array:
        leaf = jnp.asarray(leaf)
        return leaf if leaf.ndim == 0 else jnp.broadcast_to(leaf, (*leaf.shape[:-1], n_paths))

    variance = wide(one.variance) if dynamics.has_variance else one.variance
    return State(wide(one.log_price), variance, jax.tree.map(wide, one.memory))


def path_numbers(first: Array, n_paths: int) -> Array:
    """The numbers of `n_paths` paths from `first` on, shape (1, path)."""
    return (first + jnp.arange(n_paths, dtype=jnp.uint32))[None]


@cache
def launcher(stages: tuple[Callable[..., Any], ...], shape: Any, n_devices: int) -> Callable[..., Any]:
    """The stages compiled and mapped over an array of first path numbers, shared out to the devices.

    The first stage is called as `stage(shape, first, *arguments)`, each following one with the result before it in
    place of `first`. What one stage hands to the next is worked out once. `shape` is everything static and hashable.
    Results have one more axis in front, one entry for each first path number.
    """
    mesh = Mesh(np.array(device.devices()[:n_devices]), ("scan",))

    def on_one_device(firsts: Array, arguments: Any) -> Any:
        traces[stages[0].__name__, shape] += 1
        found = firsts
        for stage in stages:
            found = lax.map(lambda one, stage=stage: stage(shape, one, *arguments), found)
        return found

    spread = jax.shard_map(
        on_one_device,
        mesh=mesh,
        in_specs=(PartitionSpec("scan"), PartitionSpec()),
        out_specs=PartitionSpec("scan"),
        check_vma=False,
    )
    return jax.jit(spread, compiler_options=device.compiler_options())


def usable_devices(n_scans: int) -> int:
    """The most devices that share `n_scans` scans evenly, two or more each.

    XLA unrolls a loop of one turn, fuses it otherwise and rounds otherwise: results would depend on the machine.
    """
    return max(n for n in range(1, len(device.devices()) + 1) if n == 1 or n_scans % (2 * n) == 0)


def launch(stages: tuple[Callable[..., Any], ...], shape: Any, firsts: np.ndarray, arguments: tuple[Any, ...]) -> Any:
    """Run the stages for each of the first path numbers; returns at once with arrays that are still being computed."""
    run = launcher(stages, shape, usable_devices(len(firsts)))
    return run(firsts.astype(np.uint32), arguments)
