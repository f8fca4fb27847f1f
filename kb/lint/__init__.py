"""What is wrong with these records? Rules, fixes, and how what they find is shown."""
