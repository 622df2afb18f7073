"""Executors: solve chunks in this process, with any object that has `map`, on a Dask cluster, or in batch jobs."""
