"""Takes a name or value out of what a library holds, and says where it remains.

`forms_of_a_name` finds it in a text, `rewritten_file` takes it out of one file, `plan` looks
through the library, `write_plan` writes, `remains_in_git` looks through all that Git keeps.
"""
