from chassis.gunicorn_conf import *  # noqa: F403  (gunicorn reads its settings as this file's names)
