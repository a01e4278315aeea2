"""A real HTTP/3 server and client (aioquic), which know nothing of PseudoTCP.

    http3_peer.py server HOST CERT KEY           echoes what is posted, and gives N bytes for GET /N; says "listening PORT"
    http3_peer.py client HOST PORT NAME CA BYTES  posts and gets that many bytes, in four requests each at once, and compares them
"""

import asyncio
import random
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated

REQUESTS = 4


def pattern(length, seed):
    return random.Random(seed).randbytes(length)


class Server(QuicConnectionProtocol):
    http = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        for event in self.http.handle_event(event) if self.http else ():
            if isinstance(event, HeadersReceived):
                self.http.send_headers(event.stream_id, [(b":status", b"200")])
                if event.stream_ended:
                    length = int(dict(event.headers)[b":path"][1:])
                    self.http.send_data(event.stream_id, pattern(length, length), True)
            elif isinstance(event, DataReceived):
                self.http.send_data(event.stream_id, event.data, event.stream_ended)
        self.transmit()


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.bodies = {}
        self.done = {}

    async def request(self, name, path, body):
        stream = self._quic.get_next_available_stream_id()
        self.bodies[stream] = []
        self.done[stream] = asyncio.get_running_loop().create_future()
        method = b"GET" if body is None else b"POST"
        head = [(b":method", method), (b":scheme", b"https"), (b":authority", name), (b":path", path)]
        self.http.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            self.http.send_data(stream, body, True)
        self.transmit()
        await self.done[stream]
        return b"".join(self.bodies[stream])

    def quic_event_received(self, event):
        for event in self.http.handle_event(event):
            if isinstance(event, DataReceived):
                self.bodies[event.stream_id].append(event.data)
            if getattr(event, "stream_ended", False):
                self.done[event.stream_id].set_result(None)


async def run_server(host, cert, key):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(cert, key)
    server = await serve(host, 0, configuration=configuration, create_protocol=Server)
    port = server._transport.get_extra_info("sockname")[1]
    print(f"listening {port}", flush=True)
    await asyncio.Event().wait()


async def run_client(host, port, name, ca, count):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name=name)
    configuration.load_verify_locations(ca)
    async with connect(
        host, int(port), configuration=configuration, create_protocol=Client
    ) as client:
        authority = name.encode()
        size = int(count)

        async def check(i):
            body = pattern(size, i)
            assert await client.request(authority, b"/echo", body) == body, "the echo differs"
            path = b"/%d" % (size + i)
            given = await client.request(authority, path, None)
            assert given == pattern(size + i, size + i), "what was given differs"

        await asyncio.gather(*(check(i) for i in range(REQUESTS)))
        print(f"exact {2 * REQUESTS * size} bytes down")


role, *words = sys.argv[1:]
asyncio.run({"server": run_server, "client": run_client}[role](*words))
