"""A CONNECT and CONNECT-UDP proxy and client over HTTP/3 (aioquic), which know nothing of PseudoTCP.

    masque_peer.py proxy CERT KEY                  leads to loopback; says "listening PORT"
    masque_peer.py client PORT CA TCP_PORT UDP_PORT  sends 1 MB through CONNECT and datagrams through CONNECT-UDP, compares
                                                    what comes back, and says "tcp N" and "udp SIZES"
"""

import asyncio
import socket
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, DatagramReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, StreamReset

MAX_DATAGRAM = 65536
UDP_SIZES = [1, 100, 1000, 4000, 60000]


class Http3(H3Connection):
    """aioquic's own, which keeps extended CONNECT to WebTransport."""

    def _get_local_settings(self):
        settings = super()._get_local_settings()
        settings[0x8] = 1  # SETTINGS_ENABLE_CONNECT_PROTOCOL
        settings[0x33] = 1  # SETTINGS_H3_DATAGRAM
        return settings


class Peer(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = None
        self.streams = {}

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = Http3(self._quic)
        if isinstance(event, StreamReset) and event.stream_id in self.streams:
            self.streams[event.stream_id].reset()
        for event in self.http.handle_event(event) if self.http else ():
            self.http_event(event)


class Capsules:
    """DATAGRAM capsules out of a stream."""

    def __init__(self):
        self.rest = b""

    def push(self, data):
        self.rest += data
        while True:
            try:
                buffer = Buffer(data=self.rest)
                kind, length = buffer.pull_uint_var(), buffer.pull_uint_var()
                value = buffer.pull_bytes(length)
            except Exception:
                return
            self.rest = self.rest[buffer.tell():]
            if kind == 0 and value[:1] == b"\0":
                yield value[1:]


def capsule(payload):
    return b"\0" + encode_uint_var(1 + len(payload)) + b"\0" + payload


class TcpTunnel:
    def __init__(self, peer, stream_id, writer):
        self.peer, self.stream_id, self.writer = peer, stream_id, writer

    def data(self, data, ended):
        if data:
            self.writer.write(data)
        if ended:
            self.writer.write_eof()

    def reset(self):
        self.writer.transport.abort()

    async def pump(self, reader):
        try:
            while data := await reader.read(65536):
                self.peer.http.send_data(self.stream_id, data, end_stream=False)
                self.peer.transmit()
            self.peer.http.send_data(self.stream_id, b"", end_stream=True)
        except ConnectionError:
            self.peer._quic.reset_stream(self.stream_id, 0x10F)
        self.peer.transmit()


class UdpTunnel(asyncio.DatagramProtocol):
    def __init__(self, peer, stream_id):
        self.peer, self.stream_id, self.capsules = peer, stream_id, Capsules()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _from):
        if len(data) < 1100:
            self.peer.http.send_datagram(self.stream_id, b"\0" + data)
        else:
            self.peer.http.send_data(self.stream_id, capsule(data), end_stream=False)
        self.peer.transmit()

    def datagram(self, data):
        if data[:1] == b"\0":
            self.transport.sendto(data[1:])

    def data(self, data, ended):
        for payload in self.capsules.push(data):
            self.transport.sendto(payload)
        if ended:
            self.peer.http.send_data(self.stream_id, b"", end_stream=True)
            self.peer.transmit()
            self.reset()

    def reset(self):
        self.transport.close()


class Proxy(Peer):
    def http_event(self, event):
        if isinstance(event, HeadersReceived):
            asyncio.ensure_future(self.open(event.stream_id, dict(event.headers)))
        elif isinstance(event, DataReceived) and event.stream_id in self.streams:
            self.streams[event.stream_id].data(event.data, event.stream_ended)
        elif isinstance(event, DatagramReceived) and event.stream_id in self.streams:
            self.streams[event.stream_id].datagram(event.data)

    async def open(self, stream_id, headers):
        loop = asyncio.get_running_loop()
        head = [(b":status", b"200")]
        try:
            if headers.get(b":protocol") == b"connect-udp":
                host, port = headers[b":path"].decode().split("/")[4:6]
                _, tunnel = await loop.create_datagram_endpoint(
                    lambda: UdpTunnel(self, stream_id), remote_addr=(host, int(port))
                )
                head.append((b"capsule-protocol", b"?1"))
            else:
                host, port = headers[b":authority"].decode().rsplit(":", 1)
                reader, writer = await asyncio.open_connection(host, int(port))
                tunnel = TcpTunnel(self, stream_id, writer)
        except OSError:
            self.http.send_headers(stream_id, [(b":status", b"502")], end_stream=True)
            self.transmit()
            return
        self.streams[stream_id] = tunnel
        self.http.send_headers(stream_id, head)
        self.transmit()
        if isinstance(tunnel, TcpTunnel):
            await tunnel.pump(reader)


class Client(Peer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.events = {}

    def http_event(self, event):
        self.events[event.stream_id].put_nowait(event)

    def ask(self, headers):
        stream_id = self._quic.get_next_available_stream_id()
        self.events[stream_id] = asyncio.Queue()
        self.http.send_headers(stream_id, headers)
        self.transmit()
        return stream_id

    async def status(self, stream_id):
        event = await self.events[stream_id].get()
        return int(dict(event.headers)[b":status"])

    async def tcp(self, port):
        stream_id = self.ask([(b":method", b"CONNECT"), (b":authority", b"127.0.0.1:%d" % port)])
        assert await self.status(stream_id) == 200
        sent = bytes(range(256)) * 4096
        self.http.send_data(stream_id, sent, end_stream=True)
        self.transmit()
        got = b""
        while True:
            event = await self.events[stream_id].get()
            got += event.data
            if event.stream_ended:
                break
        assert got == sent, "other bytes came back"
        return len(got)

    async def udp(self, port):
        path = b"/.well-known/masque/udp/127.0.0.1/%d/" % port
        stream_id = self.ask([
            (b":method", b"CONNECT"), (b":protocol", b"connect-udp"), (b":scheme", b"https"),
            (b":authority", b"localhost"), (b":path", path), (b"capsule-protocol", b"?1"),
        ])
        assert await self.status(stream_id) == 200
        capsules, ways = Capsules(), []
        for size in UDP_SIZES:
            payload = bytes([size % 256]) * size
            if size <= 1000:
                self.http.send_datagram(stream_id, b"\0" + payload)
            else:
                self.http.send_data(stream_id, capsule(payload), end_stream=False)
            self.transmit()
            got = None
            while got is None:
                event = await self.events[stream_id].get()
                if isinstance(event, DatagramReceived):
                    got = event.data[1:]
                    ways.append("datagram")
                else:
                    for got in capsules.push(event.data):
                        ways.append("capsule")
            assert got == payload, f"another datagram came back for {size}"
        return ways


async def run_proxy(certificate, key):
    configuration = QuicConfiguration(
        is_client=False, alpn_protocols=H3_ALPN, max_datagram_frame_size=MAX_DATAGRAM
    )
    configuration.load_cert_chain(certificate, key)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await serve("127.0.0.1", port, configuration=configuration, create_protocol=Proxy)
    print("listening", port, flush=True)
    await asyncio.Future()


async def run_client(port, ca, tcp_port, udp_port):
    configuration = QuicConfiguration(
        alpn_protocols=H3_ALPN, max_datagram_frame_size=MAX_DATAGRAM, server_name="localhost"
    )
    configuration.load_verify_locations(ca)
    async with connect(
        "127.0.0.1", int(port), configuration=configuration, create_protocol=Client
    ) as client:
        print("tcp", await client.tcp(int(tcp_port)), flush=True)
        print("udp", *await client.udp(int(udp_port)), flush=True)


if sys.argv[1] == "proxy":
    asyncio.run(run_proxy(*sys.argv[2:]))
else:
    asyncio.run(asyncio.wait_for(run_client(*sys.argv[2:]), 20))
