"""What do machines read? Feed, JSON and CSV copies, link previews, the list of sources."""
