"""A receiver on this machine, which answers as it is told and keeps what it got."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """``answers`` are taken one after the other, the last for ever: (status, headers, body, seconds to wait before)."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes, float]] = field(default_factory=lambda: [(204, {}, b"", 0.0)])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, *statuses: int, body: bytes = b"", seconds: float = 0.0, **headers: str) -> None:
        self.answers[:] = [(status, headers, body, seconds) for status in statuses]

    def ids(self) -> list[str]:
        with self.lock:
            return [headers["webhook-id"] for headers, _body in self.got]

    def wait_for(self, count: int, seconds: float = 10.0) -> bool:
        deadline = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        return len(self.got) >= count


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with receiver.lock:
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.moments.append(time.time())
                status, headers, answer, seconds = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            release.wait(seconds)
            try:
                self.send_response(status)
                for name, value in {"content-length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                pass  # who asked has given up

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()
