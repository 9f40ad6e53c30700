import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { expect, it, onTestFinished, test } from 'vitest';
import { ClientConnection } from './client.ts';
import { encodeFields, FieldReader } from './hpack.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Three answers on one connection of 256 bytes of table (RFC 7541, C.5 and C.6). */
const ANSWERS = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
];

test.each([
  [
    'as they are',
    [
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    ],
  ],
  [
    'shortened',
    [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
  ],
])('fields come out of blocks: %s', (_what, blocks) => {
  const reader = new FieldReader(256);
  expect(blocks.map((block) => reader.read(hex(block)).fields)).toEqual(ANSWERS);
});

test('what is written is read, and leaves the table alone', () => {
  const fields = [
    [':method', 'POST'],
    [':path', '/etcdserverpb.KV/Txn'],
    ['te', 'trailers'],
    ['long', 'x'.repeat(1000)],
  ] as const;
  expect(new FieldReader(0).read(encodeFields(fields))).toEqual({ fields, isCut: false });
});

test('fields beyond what may come are not given, and are in the table', () => {
  const reader = new FieldReader(256);
  // `cookie: ab` is remembered, and meant by `be` from then on; each counts 40.
  expect(reader.read(hex('6002 6162 be be be'), 120)).toEqual({ fields: Array(3).fill(['cookie', 'ab']), isCut: true });
  expect(reader.read(hex('be'), 120)).toEqual({ fields: [['cookie', 'ab']], isCut: false });
  expect(reader.read(hex('82 6002 6364'), 41)).toEqual({ fields: [], isCut: true });
  expect(reader.read(hex('be'))).toEqual({ fields: [['cookie', 'cd']], isCut: false });
  expect(() => reader.read(hex('be be be be'), 60)).toThrow('far too many header fields');
});

it.each([
  ['a number that there is not', 'be'],
  ['a text that ends early', '4003 6162'],
  ['a shortened text that is not filled with ones', '0081 00 0161'],
  ['a shortened text with its end in it', '0084 ffff ffff 0161'],
  ['a table larger than allowed', '3fe2 1f'],
  ['a number without an end', '7fff ffff ffff ff'],
  ['nothing after a name', '4001 61'],
])('refuses %s', (_what, block) => {
  expect(() => new FieldReader(4096).read(hex(block))).toThrow();
});

test('every character comes back as another implementation has shortened it', async () => {
  const values = Array.from({ length: 224 }, (_, i) => String.fromCharCode(i + 32).repeat((i % 5) + 1)).filter(
    (v) => v.trim() === v,
  );
  const server = http2.createServer().on('stream', (stream) => {
    stream.respond(
      { ':status': 200, ...Object.fromEntries(values.map((value, i) => [`h${i}`, value])) },
      { endStream: true },
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connection = new ClientConnection(connect((server.address() as AddressInfo).port, '127.0.0.1'));
  onTestFinished(() => {
    connection.destroy();
    server.close();
  });
  await connection.accepted;
  const fields = await new Promise<ReadonlyMap<string, string>>((resolve, reject) => {
    const block = encodeFields([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'a'],
    ]);
    connection.request(block, Buffer.alloc(0), {
      headers: resolve,
      data: () => {},
      end: (error) => error && reject(error),
    });
  });
  expect(values.map((_, i) => fields.get(`h${i}`))).toEqual(values);
});
