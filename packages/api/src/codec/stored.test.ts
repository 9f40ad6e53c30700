import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { typeOfKind } from '../schema.ts';
import { normalize } from './json.ts';
import { encodeProtobuf } from './protobuf.ts';
import {
  decodeStored,
  encodeSorted,
  encodeStored,
  type PieceWriter,
  parseStored,
  writeListItem,
  writeMetadata,
  writeObject,
} from './stored.ts';
import { layoutOf } from './stored-layout.ts';

const whole = (text: string) => Buffer.concat(writeObject(Buffer.from(text), 7)).toString();
const written = (write: (out: PieceWriter) => void): string => {
  const pieces: Buffer[] = [];
  write({
    copy: (bytes, from, to) => pieces.push(bytes.subarray(from, to)),
    text: (text) => pieces.push(Buffer.from(text)),
  });
  return Buffer.concat(pieces).toString();
};
const item = (text: string) => written((out) => writeListItem({ bytes: Buffer.from(text), revision: 7 }, out));
const metadata = (text: string) =>
  written((out) => writeMetadata('{"kind":"P",', { bytes: Buffer.from(text), revision: 7 }, out));

describe('the spliced resourceVersion', () => {
  const head = '"kind":"Pod","apiVersion":"v1",';
  it.each([
    ['"metadata":{}', '"metadata":{"resourceVersion":"7"}'],
    ['"metadata":{"name":"a"}', '"metadata":{"name":"a","resourceVersion":"7"}'],
    ['"metadata":{"labels":{"name":"x"}}', '"metadata":{"resourceVersion":"7","labels":{"name":"x"}}'],
    [
      '"metadata":{"name":"a\\"}","namespace":"b","uid":"\\\\","generation":1}',
      '"metadata":{"name":"a\\"}","namespace":"b","uid":"\\\\","resourceVersion":"7","generation":1}',
    ],
    [
      '"metadata":{"name":"a","annotations":{"a":"{\\"}","b":"}{"},"managedFields":[{"fieldsV1":{"f:x":{}}}]}',
      '"metadata":{"name":"a","resourceVersion":"7","annotations":{"a":"{\\"}","b":"}{"},"managedFields":[{"fieldsV1":{"f:x":{}}}]}',
    ],
  ])('%s', (stored, written) => {
    for (const rest of ['', ',"spec":{"metadata":{"name":"y"}}']) {
      expect(whole(`{${head}${stored}${rest}}`)).toBe(`{${head}${written}${rest}}`);
      expect(item(`{${head}${stored}${rest}}`)).toBe(`{${written}${rest}}`);
      expect(metadata(`{${head}${stored}${rest}}`)).toBe(`{"kind":"P",${written}}`);
    }
  });

  it.each([
    '',
    '[]',
    '{}',
    '{"kind":"Pod"}',
    '{"kind":5,"metadata":{}}',
    '{ "metadata":{}}',
    '{"kind":"X","metadata":{}}',
  ])('is not for %j', (text) => expect(layoutOf(Buffer.from(text))).toBeUndefined());
});

describe('the spliced resourceVersion of a custom object', () => {
  const partial =
    '"metadata":{"name":"a","uid":"u","resourceVersion":"7","managedFields":[{"manager":"m","fieldsV1":{}}]}';
  it.each([
    ['"metadata":{}', '"metadata":{"resourceVersion":"7"}', '"metadata":{"resourceVersion":"7"}'],
    [
      '"metadata":{"managedFields":[{"fieldsV1":{},"manager":"m"}],"name":"a","uid":"u"}',
      '"metadata":{"managedFields":[{"fieldsV1":{},"manager":"m"}],"name":"a","resourceVersion":"7","uid":"u"}',
      partial,
    ],
    [
      '"metadata":{"annotations":{"a":"{\\"}","uid":"]["},"generation":1}',
      '"metadata":{"annotations":{"a":"{\\"}","uid":"]["},"generation":1,"resourceVersion":"7"}',
      '"metadata":{"resourceVersion":"7","generation":1,"annotations":{"a":"{\\"}","uid":"]["}}',
    ],
  ])('%s', (stored, written, alone) => {
    const apiVersion = '"apiVersion":"e/v1"';
    for (const before of [
      apiVersion,
      `${apiVersion},"data":{"metadata":{"a":["}",{}]}},"done":true,"i":1.5`,
      `"Kind":"x","a":[{"kind":"}"}],${apiVersion}`,
    ]) {
      const text = (own: string) => `{${before},"kind":"W",${own},"spec":{"metadata":{"name":"y"}}}`;
      expect(whole(text(stored))).toBe(text(written));
      expect(metadata(text(stored))).toBe(`{"kind":"P",${alone}}`);
    }
  });

  it('is where decoded objects come back to, in order at every depth', () => {
    const object = {
      kind: 'W',
      apiVersion: 'e/v1',
      spec: { b: [{ z: 1, a: { d: 1, c: 2 } }], a: 1 },
      metadata: { name: 'a' },
    };
    const text =
      '{"apiVersion":"e/v1","kind":"W","metadata":{"name":"a"},"spec":{"a":1,"b":[{"a":{"c":2,"d":1},"z":1}]}}';
    expect(encodeSorted(object as KubeObject).toString()).toBe(text);
    expect(decodeStored(Buffer.from(`${text}\n`)).bytes.toString()).toBe(text);
    const ours = Buffer.from(text);
    expect(decodeStored(ours).bytes).toBe(ours);
  });
});

describe('what a kube-apiserver has stored', () => {
  const object = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' }, spec: { containers: null }, status: {} };
  const ours = encodeStored(object as KubeObject);
  it.each([
    ['our JSON', ours],
    ['JSON with a line feed', Buffer.from(`${JSON.stringify(object)}\n`)],
    [
      'JSON with sorted keys',
      Buffer.from('{"apiVersion":"v1","metadata":{"name":"a"},"kind":"Pod","spec":{"containers":null},"status":{}}'),
    ],
    ['protobuf', encodeProtobuf(normalize(object, typeOfKind('', 'v1', 'Pod')!))],
  ])('%s', (_, bytes) => {
    const decoded = decodeStored(bytes);
    expect(decoded.object).toEqual(object);
    expect(decoded.bytes.toString()).toBe(ours.toString());
  });
  it('drops a resourceVersion', () => {
    expect(encodeStored({ ...object, metadata: { name: 'a', resourceVersion: '7' } } as KubeObject)).toEqual(ours);
  });
  it('keeps large integers', () => {
    const text = '{"kind":"X","apiVersion":"g/v1","metadata":{},"spec":{"a":9223372036854775807}}';
    const object = parseStored(Buffer.from(text));
    expect(object.spec).toEqual({ a: 9223372036854775807n });
    expect(encodeStored(object).toString()).toBe(text);
  });
  it('keeps them wherever they stand', () => {
    for (let i = 0; i < 16; i++) {
      const text = `{"kind":"X","apiVersion":"g/v1","metadata":{},"spec":{"a":"${'1'.repeat(i)}","b":[-9999999999999999]}}`;
      expect(parseStored(Buffer.from(text)).spec).toEqual({ a: '1'.repeat(i), b: [-9999999999999999n] });
    }
  });
  it('refuses what is cut off, large integers or not', () => {
    const bytes = Buffer.from('{"kind":"A","apiVersion":"v1","metadata":{},"a":9007199254740993,"b":"cut');
    expect(() => decodeStored(bytes)).toThrow(SyntaxError);
  });

  it('refuses kinds that it does not know in protobuf', () => {
    const pod = normalize(object, typeOfKind('', 'v1', 'Pod')!);
    const strange = encodeProtobuf({ ...pod, kind: 'Strange' }, typeOfKind('', 'v1', 'Pod')!);
    expect(() => decodeStored(strange)).toThrow('no kind "Strange" is registered for version "v1"');
  });
});
