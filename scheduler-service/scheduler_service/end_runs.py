"""``python -m scheduler_service.end_runs``: end every run, as a restore must.

Those that were going on as the backup was made would keep their jobs waiting for workers that are no more.
"""

from chassis import logs
from scheduler_service import events
from scheduler_service.bootstrap import build
from scheduler_service.config import Config


def main() -> int:
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "end-runs", config.log_level)
    print(f"ended {build(config).jobs.end_all()} runs", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
