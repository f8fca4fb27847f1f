"""Work on many workers: processes of this machine, or Dask's of many machines.

- `run_tasks`: the results of tasks, in their order, whatever becomes of a worker
- `workers`: processes here; `dask_workers`: those of a scheduler; both are PEP 3148 executors
- `forks`: work on what this process holds already, which nothing is sent for
"""
