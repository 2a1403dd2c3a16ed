"""One self-contained HTML page of a fit: parameters, how well the model agrees with its data, where they are from."""

from collections.abc import Sequence
from typing import Any

from stresslab.calibrate import Fit, Returns
from stresslab.calibrate.model_yaml import text
from stresslab.report import fit_figures, fitted
from stresslab.report.html import FOLDER, fill, script_json


def render_fit(fit: Fit, content: dict[str, Any], data: Sequence[str], returns: Returns | None = None) -> str:
    """The page as text; `content` is the model file's, `returns` what the fit was made from."""
    figures = fit_figures.drawn(fit, returns)
    smiles = fitted.smile_rows(fit)
    return fill(
        FOLDER / "fit.html.j2",
        kind=fit.kind,
        source=content["fitted"]["source"],
        summary=f"fitted to {content['fitted']['source']}",
        data_lines=list(data),
        warnings=fitted.warnings(fit),
        lead=_lead(fit),
        quality=fitted.quality(fit),
        parameters=fitted.parameter_rows(fit),
        figures=figures,
        furthest=f"{fit_figures.FURTHEST:g}",
        smiles=smiles,
        expiries=[row["expiry"] for row in smiles],
        first_expiry=len(smiles) // 2,
        method=fit.method,
        provenance=fitted.provenance(content),
        yaml=text(content),
        data=script_json({"figures": figures}),
    )


def _lead(fit: Fit) -> str:
    """The fit in one sentence."""
    if fit.smiles:
        points = f"{100 * fitted.rmse(fit):.1f} points of volatility"
        return f"{fit.kind} reproduces the implied volatilities to within {points} on average."
    found = fit.diagnostics
    if found is None:
        return f"{fit.kind}, fitted; the method gives no residuals to judge it by."
    clustering = (
        "leaves no clustering of volatility" if found.ljung_box_squares_p >= 0.01 else "leaves clustering behind"
    )
    tails = "has the tails of the data" if found.jarque_bera_p >= 0.01 else _tails(found.excess_kurtosis)
    return f"{fit.kind} {clustering} and {tails}."


def _tails(kurtosis: float) -> str:
    return "has thinner tails than the data" if kurtosis > 0 else "has fatter tails than the data"
