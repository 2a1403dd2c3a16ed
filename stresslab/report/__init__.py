"""The report: what a risk manager reads in the morning, made from the dataset of a run alone."""

from stresslab.report.page import render, write_report

__all__ = ["render", "write_report"]
