"""Messages, requests and replies of models, in the dialects that the trace formats share."""
