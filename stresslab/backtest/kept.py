"""Forecasts of finished models on disk: a backtest that was stopped goes on where it was.

A file's name holds a hash of all that the forecasts depend on: the bars, the dates, the question and the version. Code
that changed under the same version is not seen: give another folder then.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from stresslab import __version__
from stresslab.backtest.baselines import Asked, Forecast
from stresslab.backtest.clock import Clock
from stresslab.backtest.forecasts import Diary
from stresslab.backtest.question import Question
from stresslab.calibrate import Bars
from stresslab.errors import InputError
from stresslab.files import writing


def file_name(kind: str, bars: Bars, clock: Clock, asked: Asked, question: Question) -> str:
    """Kind and hash."""
    digest = hashlib.sha256()
    for array in (bars.stamps, bars.prices, clock.dates, clock.refits, asked.levels):
        digest.update(np.ascontiguousarray(array).tobytes())
    rest = [kind, __version__, asked.sides, asked.confidences, asked.n_ahead, asked.n_window]
    digest.update(json.dumps([*rest, question.n_paths, question.seed]).encode())
    return f"{kind}-{digest.hexdigest()[:16]}.npz"


def read(path: Path) -> tuple[Forecast, Diary] | None:
    """The saved forecast and its log, or None.

    Raises:
        InputError: the file is damaged; each of its arrays has a checksum.
    """
    if not path.exists():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            diary = Diary(int(held["fits"]), [str(text) for text in held["refused"]], int(held["warned"]))
            return Forecast(*(held[name] for name in Forecast._fields)), diary
    except Exception as error:  # numpy and zipfile raise many kinds of error for a damaged file
        hint = "Delete it: its forecasts are then computed again"
        raise InputError("this file of saved forecasts cannot be read", file=str(path), hint=hint) from error


def write(path: Path, forecast: Forecast, diary: Diary) -> None:
    """Keep it, in one move."""
    content = io.BytesIO()
    refused = np.array(diary.refused, str)
    np.savez(content, fits=diary.fits, refused=refused, warned=diary.doubtful, **forecast._asdict())
    writing.write(path, content.getvalue())
