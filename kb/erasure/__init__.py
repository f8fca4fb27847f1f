"""Takes a name or value out of what a library holds, and says where it remains.

`sought.py` finds it in a text, `cuts.py` takes it out of one file, `plan.py` looks through the
library, `carry_out.py` writes, and `remains.py` looks through all that Git keeps.
"""
