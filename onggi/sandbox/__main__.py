"""`python -m onggi.sandbox`: say whether boxes work here, one finding code a line; exit status 1 if they do
not.
"""

import sys

from onggi.sandbox import probe

if __name__ == "__main__":
    sys.stdout.write("\n".join(("working" if probe().working else "not working", *probe().findings, "")))
    sys.exit(0 if probe().working else 1)
