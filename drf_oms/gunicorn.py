"""gunicorn settings. The number of workers comes from WEB_CONCURRENCY, which gunicorn reads itself."""

wsgi_app = "drf_oms.wsgi:application"
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 20
worker_tmp_dir = "/dev/shm"  # the heartbeat file must not wait for a disk  # noqa: S108
control_socket_disable = True  # nothing outside the process steers it

# Path without query string and no client address: searches name people.
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(b)s bytes %(M)s ms [%({x-request-id}o)s] db=%({x-database}o)s"
