"""How records are ordered for a query: classes, likeness, calibration, rank."""
