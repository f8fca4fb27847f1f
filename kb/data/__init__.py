"""Files that ship with the package: the worked example and what `kb init` writes."""
