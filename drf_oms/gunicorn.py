"""gunicorn settings. The number of workers comes from WEB_CONCURRENCY, which gunicorn reads itself."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import environ

from drf_oms import gunicorn_logger, log_formats


class Env(environ.Env):
    """The environment and .env, without writing the latter into the former: it may change until a reload."""

    ENVIRON = dict(os.environ)


DOTENV = Path(__file__).resolve().parent.parent / ".env"
if DOTENV.is_file():
    Env.read_env(DOTENV)
gunicorn_logger.log_format = log_formats.known(Env().str("LOG_FORMAT", default="line"))
logger_class = gunicorn_logger.ServiceLogger
accesslog = "-"

wsgi_app = "drf_oms.wsgi:application"
worker_class = "drf_oms.gunicorn_worker.ServiceWorker"
threads = 4
worker_tmp_dir = "/dev/shm"  # the heartbeat file must not wait for a disk  # noqa: S108
control_socket_disable = True  # nothing outside the process steers it

timeout = 60
# Who is asked to stop answers what it has begun, for so long. Whoever stops us must wait longer
# (scripts/run.sh: 30 s), and the longest request must take less.
graceful_timeout = 20
# Longer than a proxy keeps its idle connections (nginx: keepalive_timeout of the upstream, 60 s): the side
# that sends requests is to close first, or one of them meets a closing connection. An idle one holds
# no thread. A worker that stops closes idle ones after 2 s, and says `Connection: close` till then.
keepalive = 75

METRICS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client looks for it when it is imported: by workers


def on_starting(server: Any) -> None:
    """A directory of this master alone, in memory, where its workers keep their metrics."""
    os.environ[METRICS] = tempfile.mkdtemp(prefix="drf-oms-metrics-", dir=worker_tmp_dir)


def child_exit(server: Any, worker: Any) -> None:
    """What it has counted stays; its gauges go with it."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - only when the variable is set

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ[METRICS], ignore_errors=True)
