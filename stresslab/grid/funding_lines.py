"""Lines about funding for `check`: the number of payments, those moved to the end of a step, and the record."""

from collections.abc import Iterator

from stresslab.grid.plan import Plan


def funding_lines(plan: Plan) -> Iterator[str]:
    """Lines on the payments of each market cell, each text once; none for a study without funding."""
    last, record = plan.study.market.horizons[-1], plan.study.recorded
    cells = [(market.payments, market.study.market.step) for market in plan.markets if market.study.funding]
    texts = [f"funding: {len(times.seconds)} payments by {last} in steps of {step}" for times, step in cells]
    for text, (times, _) in dict(zip(texts, cells, strict=True)).items():
        yield text
        if times.inside_steps:
            yield f"    {times.inside_steps} of them fall inside a step and are paid at its end"
        if times.shared_steps:
            yield f"    {times.shared_steps} steps hold several, paid together at the step's end at the price there"
    if record is not None:
        yield from (f"data: {line}" for line in record.words())
