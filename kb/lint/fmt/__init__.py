"""Fixes with one right answer: one file for each item of the closed list.

Every file gives edits of spans; nothing outside them changes, and none is given twice.
"""
