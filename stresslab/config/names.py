"""The names that the resulting dataset uses itself, and that no swept dimension may bear."""

_MEANS = ("mean_pnl", "mean_fees", "mean_funding", "shortfall_mean", "mean_insurance")
_TAILS = ("value_at_risk", "expected_shortfall", "value_at_risk_fraction", "expected_shortfall_fraction")

DATASET_NAMES = frozenset(
    ("horizon", "event", "cause", "loss_level", "loss_bin", "loss_lower", "loss_upper", "loss_count", "survival_time")
    + ("probability", "lower", "upper", "standard_error", "hits", "time_median", "probability_by_cause")
    + ("parameter_standard_error", "monte_carlo_standard_error")
    + ("ruin_probability", "ruin_lower", "ruin_upper", "survival", "survival_lower", "survival_upper")
    + _MEANS + _TAILS + tuple(f"{name}_se" for name in _MEANS + _TAILS)
    + ("status", "status_reason", "notional", "quantity", "liquidation_price", "bankruptcy_price")
    + ("price_quantile", "option_price_quantile")
    + ("n_paths", "effective_sample_size", "stopped_by")
)  # fmt: skip
