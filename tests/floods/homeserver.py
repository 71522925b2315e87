"""A homeserver that answers many at once: who asks, uploads, a large download, and `{}` to the rest.

Runs as a process of its own, so that what it costs is not counted to whoever asks: prints its port, answers until ended.
"""

import asyncio
import sys

DOWNLOAD = bytes(1_000_000)


async def talk(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await read_body(reader, head.lower())
            writer.write(answer_to(head))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def read_body(reader, head):
    if b"\r\ntransfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    elif b"\r\ncontent-length: " in head:
        await reader.readexactly(int(head.split(b"\r\ncontent-length: ")[1].split(b"\r\n")[0]))


def answer_to(head):
    target = head.split(b" ", 2)[1]
    if b"/account/whoami" in target:
        return framed(b'{"user_id":"@%s:example.org"}' % name_in(head))
    if b"/upload" in target:
        return framed(b'{"content_uri":"mxc://example.org/a"}')
    if b"/download/" in target:
        return framed(DOWNLOAD)
    return framed(b"{}")


def name_in(head):
    """The token, which is the user's name: metergate asks with a header, whatever the client did."""
    return head.lower().split(b"\r\nauthorization: bearer ")[1].split(b"\r\n")[0]


def framed(body):
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=2048, limit=1 << 17)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
