"""How does each page look? One file a page, and the pieces they share."""
