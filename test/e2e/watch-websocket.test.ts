/** Watches over websockets, which web pages use: they can't read a body that goes on as well. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { servedApi } from '../support/served.ts';

const waiting = { timeout: 30_000, interval: 20 };
const MAPS = '/api/v1/namespaces/default/configmaps';
const NAMED = `${MAPS}?watch=true&labelSelector=watched`;
const map = (name: string) => ({ metadata: { name, labels: { watched: '' } } });

describe('a watch over a websocket', () => {
  const api = servedApi(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd');
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    expect((await api.send('POST', MAPS, map('one'))).status).toBe(201);
  }, 60_000);
  afterAll(() => {
    for (const socket of sockets) socket.terminate();
  });

  interface Opened {
    readonly socket: WebSocket;
    /** Text as it came; bytes in hexadecimal. */
    readonly messages: string[];
    /** 101, or the status of the refusal. */
    readonly status: Promise<number>;
    readonly closed: Promise<number>;
  }

  function open(path: string, headers: Record<string, string>, protocols: string[] = []): Opened {
    const url = `${api.server.url.replace('https', 'wss')}${path}`;
    const socket = new WebSocket(url, protocols, { headers, rejectUnauthorized: false, perMessageDeflate: false });
    sockets.push(socket);
    const messages: string[] = [];
    socket.on('message', (data: RawData, isBinary: boolean) => {
      messages.push((data as Buffer).toString(isBinary ? 'hex' : 'utf8'));
    });
    const status = new Promise<number>((resolve) => {
      socket.on('open', () => resolve(101));
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
    });
    socket.on('error', () => {});
    return { socket, messages, status, closed: new Promise((resolve) => socket.on('close', resolve)) };
  }

  const from = (more = {}) => ({
    authorization: `Bearer ${api.server.token}`,
    origin: 'https://page.example',
    ...more,
  });

  test('is a message of text for each event', async () => {
    const { socket, messages, status } = open(NAMED, from());
    expect(await status).toBe(101);
    const seen = () =>
      messages.map((text) => {
        const { type, object } = JSON.parse(text) as { type: string; object: { metadata: { name: string } } };
        return `${type} ${object.metadata.name}`;
      });
    await vi.waitFor(() => expect(seen()).toEqual(['ADDED one']), waiting);
    socket.send('nobody listens');
    await api.send('POST', MAPS, map('two'));
    await api.send('PATCH', `${MAPS}/two`, { data: { a: 'b' } });
    await api.send('DELETE', `${MAPS}/two`);
    await vi.waitFor(() => expect(seen()).toEqual(['ADDED one', 'ADDED two', 'MODIFIED two', 'DELETED two']), waiting);
    expect(messages[0]).toMatch(/^\{"type":"ADDED","object":\{"kind":"ConfigMap".*\}\}\n$/);
    expect(socket.protocol).toBe('');
  });

  test('is a message of bytes in protobuf', async () => {
    const accept = 'application/vnd.kubernetes.protobuf;stream=watch';
    const { messages } = open(NAMED, from({ accept }));
    await vi.waitFor(() => expect(messages.length).toBe(1), waiting);
    expect(messages[0]).toMatch(/^0a054144444544/);
  });

  test('ends with its time', async () => {
    const { status, closed } = open(`${NAMED}&timeoutSeconds=1`, from());
    expect([await status, await closed]).toEqual([101, 1000]);
  });

  test('may bring its token among the subprotocols', async () => {
    const { authorization: _, ...page } = from();
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from(api.server.token).toString('base64url')}`;
    const { socket, messages } = open(NAMED, page, [token, 'base64.binary.k8s.io']);
    await vi.waitFor(() => expect(messages.length).toBe(1), waiting);
    expect(socket.protocol).toBe('base64.binary.k8s.io');
  });

  test('is refused without a page that asks, or with a choice of subprotocols', async () => {
    const { origin: _, ...program } = from();
    expect(await open(NAMED, program).status).toBe(403);
    expect(await open(NAMED, from(), ['a.example', 'b.example']).status).toBe(400);
    expect(await open(NAMED, { origin: 'https://page.example' }).status).toBe(403);
  });

  test('begins where it is told to', async () => {
    const { messages } = open(`${NAMED}&resourceVersion=999999`, from());
    const later = open(
      `${NAMED}&resourceVersion=0&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
      from(),
    );
    await vi.waitFor(() => expect(later.messages.length).toBe(2), waiting);
    expect(later.messages[1]).toContain('"k8s.io/initial-events-end":"true"');
    expect(messages).toEqual([]);
  });
});
