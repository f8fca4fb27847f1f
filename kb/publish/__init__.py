"""How is it shown? Values in, strings out: pages, feeds, the review comment.

Begin with `content.py` (what a site holds), then `incident.py` (the page that matters). `write.py`
puts pages into a folder, `site.py` runs the engine and finishes what it built, `redaction.py` says
what may leave the house. Record text becomes HTML in `html.py` and nowhere else.
"""
