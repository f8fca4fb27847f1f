"""Takes a name or value out of what a library holds, and says where it remains.

`forms_of_a_name.py` finds it in a text, `cuts.py` takes it out of one file, `plan.py` looks
through the library, `write_plan.py` writes, `remains.py` looks through all that Git keeps.
"""
