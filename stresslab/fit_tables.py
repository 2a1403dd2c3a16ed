"""The tables of fits, filtered states and models that commands print."""

from pydantic.fields import FieldInfo

from stresslab.calibrate import CHAIN_FITS, FILTERS, FITS, Fit
from stresslab.filtering import Filtered
from stresslab.models import MODELS
from stresslab.report import fitted
from stresslab.terminal import print_table, say


def print_fit(fit: Fit) -> None:
    """Print parameters, standard errors and goodness of fit."""
    say(f"\n{fit.kind}")
    print_table(fitted.parameter_rows(fit))
    say("")
    if fit.smiles:
        print_table(fitted.smile_rows(fit))
        say("")
    for line in fitted.quality(fit):
        say(line)
    for line in fitted.warnings(fit):
        say(f"warning: {line}")


def print_filtered(found: Filtered) -> None:
    """What the state was, and what it is now."""
    say(f"state at {found.as_of}, the other parameters as they were fitted")
    print_table([{"field": name, "before": found.before[name], "now": value} for name, value in found.after.items()])


def print_models() -> None:
    """Each model with its fields, and what it can be fitted to."""
    for kind, model in MODELS.items():
        say(f"{kind}: {(model.__doc__ or '').strip()}")
        fits = [word for word, table in (("prices", FITS), ("an option chain", CHAIN_FITS)) if kind in table]
        if fits:
            state = "; its state can be filtered" if kind in FILTERS else ""
            say(f"    fitted to {' or '.join(fits)}{state}")
        for name, field in model.model_fields.items():
            if name != "kind":
                say(f"    {name}: {field.description}{_default(field)}")


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default is None:
        return ""
    value = field.default
    return f" (default {value:g})" if isinstance(value, float) else f" (default {value})"
