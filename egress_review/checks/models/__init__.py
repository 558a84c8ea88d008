"""Regression and survival models: computed again from the source, and judged by the persons behind them."""
