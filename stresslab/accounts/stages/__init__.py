"""Stages of a liquidation ladder, one a file: what a venue closes first of an account that is in breach."""
