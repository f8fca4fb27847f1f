"""Secrets, personal data and names in a text, found by their shape.

Texts in, places out: nothing here reads a file. The checks of records and the importers of
traces ask the same functions, so that what one takes out the other does not miss.

- `secrets/`: keys, tokens and passwords; `personal_data`, `identity_numbers`: people
- `names/`: declared names and internal addresses, for texts that leave the house
- `decoded_layers`, `line_breaks`: the same where it is encoded, or cut in two
"""
