"""The study file: `load_study` reads and checks it, `expand` gives the cells of its sweep."""

from stresslab.config.load import load_study as load_study
from stresslab.config.load import study_from_dict as study_from_dict
from stresslab.config.paths import dims as dims
from stresslab.config.paths import is_market_path as is_market_path
from stresslab.config.schema import Study as Study
from stresslab.config.schema import study_schema as study_schema
from stresslab.config.sweep import Cell as Cell
from stresslab.config.sweep import expand as expand
