"""What is a postmortem? The form as data, text to `Document`, `Document` to `Postmortem`."""
