"""What scheduler-service counts: jobs and mail."""

from prometheus_client import Counter, Histogram

RUNS = Counter("job_runs_total", "Runs of jobs that ended, by how.", ["name", "outcome"])
RUN_SECONDS = Histogram(
    "job_run_duration_seconds", "Time of a run.", ["name"], buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)
)
RINGS = Counter("job_rings_total", "Times that beat rang for a job.", ["name"])
MAILS = Counter("mails_total", "Attempts to send a mail, by what became of it.", ["template", "outcome"])
