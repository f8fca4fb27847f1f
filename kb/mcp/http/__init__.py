"""`kb mcp --http`: the same look-ups for many clients, over streamable HTTP.

- `settings`: where it listens and who may ask; `tokens`: who a bearer token is
- `app`: the routes, and what stands before them; `limits`: how much one client may ask
- `event_log`: the log without record text; `counters`: the measures of Prometheus
- `server_process`: the process, from its socket to its end
"""
