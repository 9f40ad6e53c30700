import { describe, expect, it } from 'vitest';
import { typeOfKind } from '../schema.ts';
import { decodeJson, encodeJson, normalize } from './json.ts';
import {
  decodeMessage,
  encodeMessage,
  encodeProtobuf,
  encodeProtobufList,
  frameProtobufEvent,
  openProtobuf,
} from './protobuf.ts';
import { fixtures } from './testing.ts';

const POD = typeOfKind('', 'v1', 'Pod')!;
const POD_LIST = typeOfKind('', 'v1', 'PodList')!;
const CONFIG_MAP = typeOfKind('', 'v1', 'ConfigMap')!;
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const open = (bytes: Uint8Array, type = CONFIG_MAP) => openProtobuf(bytes).decode(type, { strict: true }).object;
const message = (bytes: Buffer, type = CONFIG_MAP) => decodeMessage(bytes, type);

describe("upstream's encodings", () => {
  describe.each(fixtures().map((f) => [f.name, f] as const))('%s', (_, { type, json, protobuf }) => {
    const { object } = decodeJson(json, type, { strict: true });
    it('is written byte for byte', () => {
      const meta = { kind: '', apiVersion: '', ...object };
      expect(encodeProtobuf(meta, type).equals(protobuf)).toBe(true);
    });
    it('is read', () => {
      expect(encodeJson(open(protobuf, type)).toString()).toBe(encodeJson(object).toString());
    });
    it('is read past unknown fields', () => {
      // Of each wire type: varint, fixed64, bytes, group, fixed32; as fields 5000 to 5004.
      const unknown = hex(
        'c0b802 ff01  c9b802 0102030405060708  d2b802 03 616263  dbb802 0801 dcb802  e5b802 01020304',
      );
      const plain = encodeMessage(object, type);
      expect(message(Buffer.concat([unknown, plain, unknown]), type)).toEqual(message(plain, type));
    });
  });
});

describe('what is written', () => {
  it('writes zero values, but not what is nil', () => {
    const container = encodeMessage(normalize({}, CONFIG_MAP), CONFIG_MAP);
    // metadata: name, generateName, namespace, selfLink, uid, resourceVersion, generation, creationTimestamp
    expect(container.toString('hex')).toBe('0a10 0a00 1200 1a00 2200 2a00 3200 3800 4200'.replaceAll(' ', ''));
  });
  it('sorts maps and gives negative numbers ten bytes', () => {
    const bytes = encodeMessage({ data: { b: '2', a: '1' } }, CONFIG_MAP);
    expect(bytes.toString('hex')).toContain('1206 0a0161 120131 1206 0a0162 120132'.replaceAll(' ', ''));
    const spec = encodeMessage({ spec: { priority: -1, activeDeadlineSeconds: 9223372036854775807n } }, POD);
    expect(spec.includes(hex('ffffffffffffffffff01'))).toBe(true);
    expect(message(spec, POD)).toMatchObject({ spec: { priority: -1, activeDeadlineSeconds: 9223372036854775807n } });
  });
  it('takes the type from kind and apiVersion', () => {
    const status = encodeProtobuf({ kind: 'Status', apiVersion: 'v1', metadata: {}, code: 404 });
    expect(openProtobuf(status)).toMatchObject({ kind: 'Status', apiVersion: 'v1' });
    expect(() => encodeProtobuf({ kind: 'Nothing', apiVersion: 'v1' })).toThrow('no protobuf for v1 Nothing');
  });
  it('grows with large values', () => {
    const data = { large: 'é'.repeat(100_000) };
    expect(message(encodeMessage({ data }, CONFIG_MAP))).toMatchObject({ data });
  });
});

describe('what is read', () => {
  it('merges repeated messages, and drops the fractions of a Time', () => {
    const [name, time] = ['0a03 0a0161', '0a09 4207 08904e 10808001'].map(hex);
    expect(message(Buffer.concat([name!, time!]))).toEqual({
      metadata: { name: 'a', creationTimestamp: '1970-01-01T02:46:40Z' },
    });
  });
  it('reads packed numbers', () => {
    const groups = message(hex('1206 7204 2202 0102'.replaceAll(' ', '')), POD);
    expect(groups).toMatchObject({ spec: { securityContext: { supplementalGroups: [1, 2] } } });
  });
  it('takes any key in a map', () => {
    const data = Object.fromEntries([['__proto__', 'x']]);
    expect(Object.keys(message(encodeMessage({ data }, CONFIG_MAP)).data as object)).toEqual(['__proto__']);
  });
});

describe('errors', () => {
  it.each([
    ['', 'empty data'],
    ['7b7d', 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'],
    ['6b387300', 'empty body'],
    ['6b387300 0a', 'unexpected EOF'],
    ['6b387300 8a', 'unexpected EOF'],
    ['6b387300 0801', 'proto: wrong wireType = 0 for field TypeMeta'],
    ['6b387300 1204 0a05 0000', 'unexpected EOF'],
    ['6b387300 1202 0801', 'proto: wrong wireType = 0 for field ObjectMeta'],
    ['6b387300 1201 0c', 'proto: ConfigMap: wiretype end group for non-group'],
    ['6b387300 1201 00', 'proto: ConfigMap: illegal tag 0 (wire type 0)'],
    ['6b387300 1203 9f0107', 'proto: illegal wireType 7'],
    ['6b387300 120c a001 ffffffffffffffffffff', 'proto: integer overflow'],
    ['6b387300 120b 0a ffffffffffffffffff01', 'proto: negative length found during unmarshaling'],
  ])('%s: %s', (bytes, error) => expect(() => open(hex(bytes))).toThrow(error));
});

it('writes a list of messages', () => {
  const names = ['a', 'b'];
  const items = names.map((name) => encodeMessage(normalize({ metadata: { name } }, POD), POD));
  const sizes = items.map(({ length }) => length);
  const bytes = Buffer.concat([...encodeProtobufList('PodList', 'v1', { resourceVersion: '7' }, sizes, items)]);
  const list = open(bytes, POD_LIST);
  expect(list).toMatchObject({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7' } });
  expect((list.items as { metadata: { name: string } }[]).map((i) => i.metadata.name)).toEqual(names);
  expect(bytes.equals(encodeProtobuf(list))).toBe(true);
});

it('frames events', () => {
  const object = encodeProtobuf(normalize({ kind: 'Pod', apiVersion: 'v1' }, POD));
  const frame = frameProtobufEvent('ADDED', object);
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
  const size = object.length;
  const inner = hex(`0a05 ${Buffer.from('ADDED').toString('hex')} 12`);
  expect(frame.subarray(4, 4 + inner.length).equals(inner)).toBe(true);
  expect(frame.subarray(-size).equals(object)).toBe(true);
});

it('keeps large integers within free-form values', () => {
  const type = typeOfKind('apps', 'v1', 'ControllerRevision')!;
  const revision = { kind: 'ControllerRevision', apiVersion: 'apps/v1', metadata: {}, data: { a: 9007199254740993n } };
  expect(open(encodeProtobuf(revision, type), type)).toMatchObject({ data: { a: 9007199254740993n } });
});
