"""What a person set for all their libraries on this machine."""
