"""What is indexed of a record: its facts, its passages, and all of them as arrays."""
