"""A price of each asset that a shipped rulebook is of."""

SPOTS = {
    "BTC": 93_576.0,
    "ETH": 3_330.0,
    "SOL": 190.0,
    "BNB": 650.0,
    "XRP": 2.3,
    "DOGE": 0.21,
    "ADA": 0.9,
    "SHIB": 2.2e-3,
}  # of SHIB a hundredfold: Kraken allows 900 million in one position
