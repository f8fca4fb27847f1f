"""Actions of records, the gates they hold shut, and the trackers that mirror them."""
