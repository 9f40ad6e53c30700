import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type Answer, type DecodedPacket, decode, encode, type RecordType } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cache } from './cache.ts';
import { Forwarder, Frames, framed, serversOf } from './forward.ts';
import { ttlOffsets } from './message.ts';
import { dnsMetrics } from './metrics.ts';
import { Neighbours } from './neighbours.ts';
import { Resolver } from './resolver.ts';
import { type DnsServer, serveDns } from './server.ts';
import { directoryOf, service } from './testing.ts';
import { Zone } from './zone.ts';

const services = [
  service('web', { clusterIP: '10.96.0.7', ports: [{ port: 80 }] }),
  service('alias', { type: 'ExternalName', externalName: 'web.ns.svc.cluster.local' }),
  service('away', { type: 'ExternalName', externalName: 'example.com' }),
  service('loop', { type: 'ExternalName', externalName: 'loop.ns.svc.cluster.local' }),
  service('many', { clusterIP: 'None' }),
];
const many = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'many-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'many' } },
  addressType: 'IPv4',
  endpoints: Array.from({ length: 100 }, (_, i) => ({ addresses: [`10.1.0.${i}`] as [string], conditions: {} })),
  ports: [],
};

/** A server of other names: example.com is there, with a number that grows; what begins with `drop` gets no answer. */
const other = createSocket('udp4');
let asked = 0;
other.on('message', (message, from) => {
  const { id = 0, questions = [] } = decode(message);
  const { name } = questions[0]!;
  if (name.startsWith('drop')) return;
  asked++;
  const answers: Answer[] = name === 'example.com' ? [{ name, type: 'A', ttl: 20, data: `192.0.2.${asked}` }] : [];
  // One with another id comes first, as from somebody who guesses.
  for (const [each, list] of [
    [id ^ 1, [{ name, type: 'A', data: '6.6.6.6' }]],
    [id, answers],
  ] as const) {
    other.send(
      encode({
        type: 'response',
        id: each,
        flags: answers.length > 0 ? 0 : 3,
        questions,
        answers: [...list] as Answer[],
      }),
      from.port,
      from.address,
    );
  }
});

let now = 0;
let resolver: Resolver;
let server: DnsServer;

beforeAll(async () => {
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const servers = [{ address: '127.0.0.1', port }];
  resolver = new Resolver({
    zone: new Zone('cluster.local', directoryOf(['ns'], services, [many]), ['10.96.0.10']),
    forwarder: new Forwarder(async () => servers),
    cache: new Cache(() => now),
    metrics: dnsMetrics(new MetricsRegistry()),
    random: () => 0,
  });
  const answer = (query: Buffer, protocol: 'udp' | 'tcp') => resolver.answer(query, protocol);
  server = await serveDns({ host: '127.0.0.1', port: 0, admits: () => true, answer });
});
afterAll(async () => {
  other.close();
  await server.stop();
});

const question = (name: string, type: RecordType = 'A', more: object = {}) =>
  encode({ type: 'query', id: 7, flags: 256, questions: [{ name, type }], ...more });
const resolve = async (...args: Parameters<typeof question>) =>
  decode((await resolver.answer(question(...args), 'udp'))!);
const texts = ({ answers = [] }: DecodedPacket) =>
  answers.map((each) => `${each.type} ${'data' in each ? String(each.data) : ''}`);

test('an answer of the cluster', async () => {
  const answer = await resolve('web.ns.svc.cluster.local');
  expect(answer).toMatchObject({ id: 7, rcode: 'NOERROR', flag_aa: true, flag_ra: true, flag_rd: true });
  expect(texts(answer)).toEqual(['A 10.96.0.7']);
});

test('what is missing, and what has no such record, comes with the start of authority', async () => {
  for (const [name, rcode] of [
    ['no.ns.svc.cluster.local', 'NXDOMAIN'],
    ['svc.cluster.local', 'NOERROR'],
  ] as const) {
    const answer = await resolve(name);
    expect(answer).toMatchObject({ rcode });
    expect(answer.authorities).toMatchObject([{ type: 'SOA', name: 'cluster.local', ttl: 5 }]);
  }
});

test('names for others', async () => {
  expect(texts(await resolve('alias.ns.svc.cluster.local'))).toEqual(['CNAME web.ns.svc.cluster.local', 'A 10.96.0.7']);
  expect(texts(await resolve('alias.ns.svc.cluster.local', 'CNAME'))).toEqual(['CNAME web.ns.svc.cluster.local']);
  expect(texts(await resolve('away.ns.svc.cluster.local'))).toEqual([
    'CNAME example.com',
    expect.stringMatching(/^A 192/),
  ]);
  expect(texts(await resolve('loop.ns.svc.cluster.local')).length).toBeLessThan(12);
});

test('other names are asked for once, and their time runs', async () => {
  now += 60_000;
  const before = asked;
  const first = await resolve('example.com');
  now += 5_000;
  const second = await resolve('example.com');
  expect(asked).toBe(before + 1);
  expect(texts(second)).toEqual(texts(first));
  expect(second.answers).toMatchObject([{ ttl: 15 }]);
  now += 15_000;
  await resolve('example.com');
  expect(asked).toBe(before + 2);
});

test('what other servers do not answer fails', async () => {
  expect(await resolve('drop.example')).toMatchObject({
    id: 7,
    rcode: 'SERVFAIL',
    questions: [{ name: 'drop.example' }],
  });
}, 15_000);

describe('what is no question', () => {
  test.each<[string, Buffer, string | undefined]>([
    ['half a header', Buffer.from('abc'), undefined],
    ['a response', encode({ type: 'response', id: 1 }), undefined],
    ['no question', encode({ type: 'query', id: 1 }), 'FORMERR'],
    [
      'two questions',
      encode({
        type: 'query',
        id: 1,
        questions: [
          { name: 'a', type: 'A' },
          { name: 'b', type: 'A' },
        ],
      }),
      'FORMERR',
    ],
    ['a broken name', Buffer.concat([question('a').subarray(0, 12), Buffer.from([9, 1])]), 'FORMERR'],
    [
      'another operation',
      encode({ type: 'query', id: 1, flags: 4 << 11, questions: [{ name: 'a', type: 'A' }] }),
      'NOTIMP',
    ],
    ['a whole zone', question('cluster.local', 'AXFR'), 'REFUSED'],
  ])('%s', async (_, query, rcode) => {
    const answer = await resolver.answer(query, 'udp');
    if (rcode === undefined) expect(answer).toBeUndefined();
    else expect(decode(answer!)).toMatchObject({ rcode });
  });
});

test('before all names are known, none is denied', async () => {
  const answer = await resolver.answer(question('web.ns.svc.cluster.local'), 'udp', false);
  expect(decode(answer!)).toMatchObject({ id: 7, rcode: 'SERVFAIL' });
});

test('answers that do not fit are cut, and come whole by TCP', async () => {
  const cut = (await resolver.answer(question('many.ns.svc.cluster.local'), 'udp'))!;
  expect(decode(cut)).toMatchObject({ flag_tc: true, answers: [], questions: [{ name: 'many.ns.svc.cluster.local' }] });
  const extended = { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 65_535 }] };
  expect(await resolve('many.ns.svc.cluster.local', 'A', extended)).toMatchObject({ flag_tc: true });
  expect((await resolve('web.ns.svc.cluster.local', 'A', extended)).additionals).toMatchObject([{ type: 'OPT' }]);

  const socket = connect(server.port, '127.0.0.1');
  const query = framed(question('many.ns.svc.cluster.local'));
  const both = Buffer.concat([query, framed(question('web.ns.svc.cluster.local'))]);
  socket.write(both.subarray(0, 5));
  socket.write(both.subarray(5));
  const frames = new Frames();
  const answers: DecodedPacket[] = [];
  for await (const chunk of socket) {
    for (const message of frames.add(chunk as Buffer)) answers.push(decode(message));
    if (answers.length === 2) break;
  }
  expect(answers.map(({ answers }) => answers?.length)).toEqual([100, 1]);
});

test('by UDP', async () => {
  const socket = createSocket('udp4');
  socket.send(question('web.ns.svc.cluster.local'), server.port, '127.0.0.1');
  const [answer] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  expect(texts(decode(answer))).toEqual(['A 10.96.0.7']);
});

test('the times to live of a message', () => {
  const message = encode({
    type: 'response',
    questions: [{ name: 'a.b', type: 'A' }],
    answers: [{ name: 'a.b', type: 'A', ttl: 77, data: '1.2.3.4' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  expect(ttlOffsets(message)!.map((at) => message.readUInt32BE(at))).toEqual([77]);
  for (let length = 12; length < message.length; length++)
    expect(ttlOffsets(message.subarray(0, length))).toBeUndefined();
});

test('the servers of a machine', () => {
  const text =
    '# comment\nnameserver 10.0.0.1\n nameserver fd00::1 \nsearch example.com\nnameserver 10.96.0.10\nnameserver x\n';
  expect(serversOf(text, ['10.96.0.10']).map(({ address }) => address)).toEqual(['10.0.0.1', 'fd00::1']);
});

test.each([
  ['10.244.0.7', true],
  ['::ffff:192.168.1.1', true],
  ['127.0.0.1', true],
  ['fd00::1', true],
  ['fe80::1%eth0', true],
  ['8.8.8.8', false],
  ['2001:4860::1', false],
])('%s is a neighbour: %s', (address, expected) => {
  expect(new Neighbours(() => 0).has(address)).toBe(expected);
});
