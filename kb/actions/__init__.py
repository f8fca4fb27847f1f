"""Actions of records, the gates they hold shut, and the trackers that mirror them.

- `action`: one action with its state; `dates_from_git`, `dates_from_git_cache`: when each landed
- `effectiveness`: whether a done action worked; `add_occurrence`: the same cause once more
- `close_and_sign_lines`: an action closed, a sign-off or an occurrence written into its file
- `gate_decision`: whether a route may run; `gate_inputs`: what that needs beside the records;
  `gate_unreadable`: what could hide a condition; `gate_replay`, `signoff`: conditions that ask for
  a replay or a person
- `route_names`, `action_filter`, `render`: routes compared, actions narrowed, both in words
- `trackers/`: the same actions as tickets of GitHub, Jira and Linear
"""
