"""Differencing: does a table single out a few persons together with what was released before?"""
