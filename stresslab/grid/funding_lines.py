"""What `check` says of funding: how many payments a path makes, and which of them the step moves."""

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
    if record is not None and record.repeated:
        yield f"    {record.repeated} rows of {record.file} repeat a payment and were left out"
