"""The fused loop over steps, and how it is spread over a device.

One step: words of randomness -> model.step -> pieces -> where they lead -> an observer sees each piece. The words are
drawn one step ahead and carried, so that the cipher is worked out once. With jumps every turn of the loop does the four
for four consecutive steps, and carries what lies between them: XLA would otherwise fuse the whole chain into each array
that comes out of it and work out the normals many times over. Nothing of a path is kept but what the observer carries.
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
from stresslab.models.base import Diffusion, Layout, Parameters, Piece, State
from stresslab.numerics import bridge_extremes

traces: Counter[Any] = Counter()  # how often each engine shape was traced: a test holds these at one


class Reach(NamedTuple):
    """Of a diffusion piece: its lowest and highest log price, and the one at its end, shape (1, path)."""

    low: Array
    high: Array
    end: Array


class Gap(NamedTuple):
    """Of a jump piece: the log price after it, shape (1, path)."""

    end: Array


_AHEAD = 3  # steps under way at a time where there are jumps


class Observer(Protocol):
    """What watches the pieces of each step, which are in time order. `seen` is its carry."""

    def step(self, seen: Any, pieces: tuple[Reach | Gap, ...]) -> Any: ...


class Walk(NamedTuple):
    """What stays the same along the paths of one scan."""

    model: type[Parameters]
    layout: Layout
    antithetic: bool
    key: random.Key
    number: Array  # uint32 path numbers, shape (1, path)
    coefficients: Any


class Moves(NamedTuple):
    """Pieces of one step before they are added to the price; one exponential draw for the bridge of each diffusion."""

    pieces: tuple[Piece, ...]
    exponentials: tuple[Array, ...]
    variance: Array


class Track(NamedTuple):
    """Pieces of one step where they lie, and the variance after it."""

    pieces: tuple[Reach | Gap, ...]
    variance: Array


class Place(NamedTuple):
    """Where the paths of a scan stand. The step is part of a path's state, not the loop's index.

    `here` and `variance` belong to the end of the last step that was observed. With jumps `track`, `moves` and the
    words in `packed` belong to the one, two and three steps after it; without, `packed` belongs to the next one.
    """

    here: Array  # log price
    variance: Array
    track: Track | None
    state: State  # what the next step depends on
    moves: Moves | None
    packed: tuple[Array, ...]
    step: Array  # the step that is drawn next


def begin(walk: Walk, start: State) -> Place:
    """At time 0: the first steps are under way, none is observed."""
    words = [_draw(walk, jnp.full((), step, jnp.uint32)) for step in range(_AHEAD if walk.layout.jumps else 1)]
    place = Place(start.log_price, start.variance, None, start, None, words[0], jnp.full((), len(words), jnp.uint32))
    if not walk.layout.jumps:
        return place
    state, moves = _move(walk, start, words[0])
    track, log_price = _trace(start.log_price, moves)
    state, moves = _move(walk, state, words[1])
    return place._replace(track=track, state=State(log_price, state.variance), moves=moves, packed=words[2])


def one_step(walk: Walk, place: Place, observer: Observer, seen: Any) -> tuple[Place, Any]:
    """Show the observer one more step, and bring the following ones forward."""
    packed, step = _draw(walk, place.step), place.step + np.uint32(1)
    state, moves = _move(walk, place.state, place.packed)
    if place.track is None or place.moves is None:
        # few enough arrays come out of a step without jumps: XLA works nothing out twice
        track, log_price = _trace(place.here, moves)
        ahead: tuple[Track | None, Moves | None] = None, None
    else:
        track, (next_track, log_price) = place.track, _trace(place.state.log_price, place.moves)
        ahead = next_track, moves
    seen = observer.step(seen, track.pieces)
    here = track.pieces[-1].end
    return Place(here, track.variance, ahead[0], State(log_price, state.variance), ahead[1], packed, step), seen


def many_steps(walk: Walk, place: Place, observer: Observer, seen: Any, n_steps: Array) -> tuple[Place, Any]:
    """Observe `n_steps` more steps, a number known only when the loop runs."""
    return lax.fori_loop(
        jnp.zeros((), jnp.int32), n_steps, lambda _, carry: one_step(walk, carry[0], observer, carry[1]), (place, seen)
    )


def _draw(walk: Walk, step: Array) -> tuple[Array, ...]:
    # a path and its antithetic partner are neighbours that share their words
    identity = walk.number >> np.uint32(1) if walk.antithetic else walk.number
    return random.packed_words(walk.key, identity, step, walk.layout.n_words + walk.layout.jumps + 1)


def _move(walk: Walk, state: State, packed: tuple[Array, ...]) -> tuple[State, Moves]:
    words = random.unpack(packed)
    if walk.antithetic:
        mirrored = (walk.number & np.uint32(1)) == np.uint32(1)
        n = walk.layout.normals
        words = tuple(random.antithetic(word, mirrored) for word in words[:n]) + words[n:]
    of_model = walk.layout.n_words
    state, pieces = walk.model.step(walk.coefficients, state, words[:of_model])
    bridges = words[of_model : of_model + walk.layout.jumps + 1]
    return state, Moves(pieces, tuple(random.exponential(word) for word in bridges), state.variance)


def _trace(log_price: Array, moves: Moves) -> tuple[Track, Array]:
    exponentials = iter(moves.exponentials)
    pieces: list[Reach | Gap] = []
    for piece in moves.pieces:
        end = log_price + piece.move
        if isinstance(piece, Diffusion):
            pieces.append(Reach(*bridge_extremes(log_price, end, piece.variance, next(exponentials)), end))
        else:
            pieces.append(Gap(end))
        log_price = end
    return Track(tuple(pieces), moves.variance), log_price


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
    """The most devices that share `n_scans` scans evenly."""
    return max(n for n in range(1, len(device.devices()) + 1) if n_scans % n == 0)


def launch(stages: tuple[Callable[..., Any], ...], shape: Any, firsts: np.ndarray, arguments: tuple[Any, ...]) -> Any:
    """Run the stages for each of the first path numbers; returns at once with arrays that are still being computed."""
    run = launcher(stages, shape, usable_devices(len(firsts)))
    return run(firsts.astype(np.uint32), arguments)
