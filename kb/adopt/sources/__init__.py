"""What postmortems are kept in elsewhere: one module and one row of `registry` each."""
