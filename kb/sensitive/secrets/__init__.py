"""Secrets in a text: formats of vendors, values behind a name, values that code makes secret."""
