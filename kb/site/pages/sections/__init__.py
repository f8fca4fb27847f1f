"""The sections of an incident's page: one file for each section that has a shape of its own."""
