"""Statistical models as they are released: one spelling of the question, one fit, one form of the answer.

The notebook that writes a model's table and the gate that computes it again both use this package, so that a
difference between them is a difference in the data or an edit, never in the method. Standard library at its
core: NumPy, pandas and statsmodels are loaded by `design` and `fit` when a model is fitted.
"""
