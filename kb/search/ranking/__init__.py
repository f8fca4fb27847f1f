"""How records are ordered for a query: classes, cosine likeness, calibration, rank."""
