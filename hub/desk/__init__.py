"""The desk: pages and JSON API for researchers and administrators, and the service API behind them."""
