import { createHash } from 'node:crypto';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { DICTIONARY } from './dictionary.ts';
import { controlFrame, dataHead, PING, readFrames, SYN_STREAM } from './frames.ts';
import { HeaderPacker, HeaderUnpacker, type SpdyHeaders } from './headers.ts';
import { SpdySession, type SpdyStream } from './session.ts';

const HASH = '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02';

it('knows the dictionary byte by byte', () => {
  expect(DICTIONARY.length).toBe(1423);
  expect(createHash('sha256').update(DICTIONARY).digest('hex')).toBe(HASH);
});

describe('header blocks', () => {
  it('share their stream of compression', async () => {
    const [packer, unpacker] = [new HeaderPacker(), new HeaderUnpacker()];
    const sizes: number[] = [];
    const blocks: SpdyHeaders[] = [{ streamtype: 'error', port: '80' }, { streamtype: 'data', port: '80' }, {}];
    for (const headers of blocks) {
      const block = await packer.pack(headers);
      sizes.push(block.length);
      expect({ ...(await unpacker.unpack(block)) }).toEqual(headers);
    }
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  it('are bounded', async () => {
    const block = await new HeaderPacker().pack({ a: 'x'.repeat(100_000) });
    await expect(new HeaderUnpacker().unpack(block)).rejects.toThrow('too large');
  });
});

it('frames come in any pieces', async () => {
  const bytes = Buffer.concat([
    controlFrame(SYN_STREAM, 1, 3, Buffer.from('block')),
    dataHead(3, 5, true),
    Buffer.from('hello'),
    dataHead(5, 0, true),
  ]);
  async function* one() {
    for (const byte of bytes) yield Buffer.of(byte);
  }
  const seen: string[] = [];
  let data = '';
  for await (const frame of readFrames(one())) {
    if (frame.kind === 'control') seen.push(`${frame.type} ${frame.flags} ${frame.payload.toString('latin1')}`);
    else {
      data += frame.data.toString();
      if (frame.fin) seen.push(`${frame.stream} ${data}`);
    }
  }
  expect(seen).toEqual([`${SYN_STREAM} 1 \0\0\0\x03block`, '3 hello', '5 hello']);
});

describe('a session', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  async function pair(onStream: (stream: SpdyStream) => void): Promise<SpdySession> {
    const server = net.createServer((socket) => new SpdySession(socket, { role: 'server', onStream }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    const client = new SpdySession(socket, { role: 'client', pingIntervalMs: 5 });
    ends.push(
      () => socket.destroy(),
      () => server.close(),
    );
    return client;
  }

  it('carries streams that end one half at a time', async () => {
    const client = await pair((stream) => stream.pipe(stream));
    const [a, b] = await Promise.all([client.open({ streamtype: 'a' }), client.open({ streamtype: 'b' })]);
    a.end('hello');
    b.write('still ');
    expect(await text(a)).toBe('hello');
    b.end('here');
    expect(await text(b)).toBe('still here');
    client.close();
    await client.closed;
  });

  it('waits for a reader that is slow', async () => {
    const size = 8 * 1024 * 1024;
    let accepted: SpdyStream | undefined;
    const client = await pair((stream) => {
      accepted = stream;
    });
    const stream = await client.open({});
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const writer = (async () => {
      while (written < size) {
        written += chunk.length;
        await new Promise<void>((resolve, reject) => stream.write(chunk, (e) => (e ? reject(e) : resolve())));
      }
      stream.end();
    })();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(written).toBeLessThan(size);
    let read = 0;
    for await (const data of accepted!) read += (data as Buffer).length;
    await writer;
    expect(read).toBe(size);
  });

  it('tells of streams that are reset or refused', async () => {
    const client = await pair((stream) => stream.write('last words', () => stream.destroy()));
    const stream = await client.open({});
    expect(await text(stream)).toBe('last words');
    const error = await new Promise((resolve) => stream.write('more', resolve));
    expect(error).toMatchObject({ message: 'Stream reset' });
    const refusing = await pair(undefined as never);
    await expect(refusing.open({})).rejects.toThrow('Stream reset');
  });

  it('ends where the other side asks without end and reads no answer', async () => {
    const ping = controlFrame(PING, 0, 1, Buffer.alloc(60_000));
    let asked = 0;
    const socket = new Duplex({
      read() {
        asked++;
        this.push(ping);
      },
      write() {},
      final(done) {
        done();
      },
    });
    await new SpdySession(socket, { role: 'server' }).closed;
    expect(asked * ping.length).toBeLessThan(40 * 1024 * 1024);
  });
});
