import { describe, expect, it } from 'vitest';
import { collect } from '../testing/collect.ts';
import { ListSplitter, readLines, readObject } from './json.ts';

const lists: Record<string, unknown> = {
  'built-in order': {
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '7' },
    items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b', items: [1] } }],
  },
  'custom resources: items first': {
    apiVersion: 'a/v1',
    items: [{ a: 1 }],
    kind: 'AList',
    metadata: { continue: 'x' },
  },
  empty: { kind: 'PodList', items: [], metadata: {} },
  'null items': { kind: 'PodList', metadata: {}, items: null },
  'brackets, quotes and backslashes in strings': {
    items: [{ a: '}]"\\', b: '\\\\"{', 'ключ\\"': 'значение [' }, {}, { c: [[{ d: [] }]] }],
    metadata: { items: [{ not: 'these' }] },
  },
  'the word as a value': { kind: 'items', x: ['items'], y: { items: [1] }, items: [{ items: 'items' }] },
};

describe('ListSplitter', () => {
  for (const [name, list] of Object.entries(lists)) {
    for (const space of [0, 2]) {
      it(`${name}, ${space === 0 ? 'compact' : 'spaced'}, cut at every length`, () => {
        const bytes = Buffer.from(JSON.stringify(list, null, space));
        const { items, ...shell } = list as { items: unknown[] | null };
        for (let size = 1; size <= bytes.length; size++) {
          const splitter = new ListSplitter();
          for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
          expect(splitter.end()).toEqual({ shell: { ...shell, items: items && [] }, items: items ?? [] });
        }
      });
    }
  }

  it('does not take what breaks off for a list', () => {
    const splitter = new ListSplitter();
    splitter.push(Buffer.from('{"kind":"PodList","items":[{"a":1},{"b"'));
    expect(() => splitter.end()).toThrow('the answer is no JSON');
  });
});

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('readLines', () => {
  it('decodes each line, wherever chunks end', async () => {
    const values = [{ a: 'ä' }, { b: [1, 2] }, { c: '\n' }];
    const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
    for (let size = 1; size <= text.length; size++) {
      expect(await collect(readLines(cut(text, size)))).toEqual(values);
    }
  });

  it('leaves out a line that is not complete', async () => {
    expect(await collect(readLines(cut('{"a":1}\n{"b":', 3)))).toEqual([{ a: 1 }]);
  });
});

describe('readObject', () => {
  it('is a broken connection where the text breaks off', async () => {
    await expect(readObject(cut('{"a":', 2))).rejects.toMatchObject({ name: 'ConnectionError', loss: 'broken' });
  });
});

it('an object without end is cut off', async () => {
  let taken = 0;
  async function* endless() {
    const blanks = Buffer.alloc(1024 * 1024, ' ');
    for (;;) {
      taken++;
      yield blanks;
    }
  }
  await expect(readObject(endless())).rejects.toThrow('the answer is too large');
  expect(taken).toBe(65);
});
