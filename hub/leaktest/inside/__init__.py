"""What is tried from within: each module runs twice, in a cell's box and, as the control, outside of it.

These modules import the standard library and each other only. They are sent as text, since the compute has
none of the hub's packages.
"""
