import gateway.buckets  # noqa: F401  (before the fork: the workers count in it together)
from chassis.gunicorn_conf import *  # noqa: F403  (gunicorn reads its settings as this file's names)
