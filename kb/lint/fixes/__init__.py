"""What can be mended with one right answer? One file for each item of the closed list.

Every file gives edits of spans; nothing outside them changes, and none is given twice.
"""
