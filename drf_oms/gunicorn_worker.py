"""A worker that, asked to stop, refuses connections at once instead of letting them wait and cutting them."""

import select
import socket

from gunicorn.workers.gthread import ThreadWorker


class ServiceWorker(ThreadWorker):
    """gunicorn's threaded worker holds its listening sockets until it ends. While it finishes what it has
    begun, the kernel goes on accepting connections for it, which nobody will answer. A refused one is
    tried elsewhere by any load balancer; one that is cut may not be, for it could have been a write.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called with False when a stop begins: take those who wait in the queue already, then close it.

        On a reload the master and the new workers hold the same sockets, and go on.
        """
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self._take_those_who_wait(listener)
                listener.close()

    def _take_those_who_wait(self, listener: socket.socket) -> None:
        poll = select.poll()  # not select(): it fails beyond 1,024 open files
        poll.register(listener, select.POLLIN)
        while self.nr_conns < self.worker_connections and poll.poll(0):
            self.accept(listener)
