"""A steady, numbered packet stream through an allocation to an echoing peer and back."""
import select
import struct
import threading
import time


class RelayLoad:
    """client has an allocation. Runs in a thread of its own from start() to stop()."""

    def __init__(self, client, peer, per_second=400, size=172, channel=0x4100):
        self._client, self._peer, self._channel = client, peer, channel
        self._interval, self._size = 1.0 / per_second, size
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = self.at_peer = 0
        self.returned = set()
        self.longest_gap = 0.0  # seconds without any packet coming back

    def start(self):
        address, port = self._peer.getsockname()[:2]
        self._client.bind(self._channel, address, port)
        self._thread.start()
        return self

    def stop(self):
        """Ends the stream and waits for stragglers. Returns the number of packets that did not make the round."""
        self._ending.set()
        self._thread.join(10)
        return self.sent - len(self.returned)

    def _run(self):
        udp, peer = self._client.udp, self._peer
        udp.setblocking(False)
        peer.setblocking(False)
        start = last = time.monotonic()
        stop_at = None
        while stop_at is None or (time.monotonic() < stop_at and len(self.returned) < self.sent):
            now = time.monotonic()
            if stop_at is None and self._ending.is_set():
                stop_at = now + 1.0
            # A late thread sends late, not in a burst: bursts would measure the socket buffers.
            if stop_at is None and now - start >= self.sent * self._interval:
                self._client.send_channel(self._channel, struct.pack("!Q", self.sent).ljust(self._size, b"\x5a"))
                self.sent += 1
                if now - start > (self.sent + 20) * self._interval:
                    start = now - self.sent * self._interval
            ready, _, _ = select.select([udp, peer], [], [], self._interval / 2)
            if peer in ready:
                data, source = peer.recvfrom(2048)
                self.at_peer += 1
                peer.sendto(data, source)
            if udp in ready:
                data = udp.recv(2048)
                if len(data) >= 12 and struct.unpack_from("!H", data)[0] == self._channel:
                    self.returned.add(struct.unpack_from("!Q", data, 4)[0])
                    now = time.monotonic()
                    self.longest_gap = max(self.longest_gap, now - last)
                    last = now
