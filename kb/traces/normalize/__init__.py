"""What importers read, put together into one `Run`."""
