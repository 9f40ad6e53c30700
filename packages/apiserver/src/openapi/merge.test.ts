import { describe, expect, it } from 'vitest';
import { addSpec, type Members, onlyBelow, type Spec2 } from './merge.ts';

const ref = (name: string) => ({ $ref: `#/definitions/${name}` });
const kinds = (...names: string[]) => ({ 'x-kubernetes-group-version-kind': names.map((kind) => ({ kind })) });
const members = (object: object): Members =>
  new Map(Object.entries(object).map(([name, value]) => [name, () => value]));
const plain = (all: Members) => Object.fromEntries([...all].map(([name, make]) => [name, make()]));
const spec = (paths: Spec2['paths'], definitions: Spec2['definitions']): Spec2 => ({
  info: {},
  securityDefinitions: {},
  paths,
  definitions,
  parameters: {},
});

describe('what a server says', () => {
  it('is cut down to its version, with what that needs and what nothing needed', () => {
    const definitions = { a: { properties: { b: ref('b') } }, b: {}, other: {}, loose: {} };
    const all = spec({ '/apis/g/v1/a': ref('a'), '/healthz': ref('other') }, definitions);
    const { paths, definitions: kept } = onlyBelow('/apis/g/v1/', all);
    expect([Object.keys(paths), Object.keys(kept)]).toEqual([['/apis/g/v1/a'], ['a', 'b', 'loose']]);
  });

  it('is added to what there is, by other names where they are taken', () => {
    const paths = members({ '/own': 1 });
    const definitions = members({
      a: { type: 'string' },
      same: { type: 'object', ...kinds('A') },
      a_v2: { type: 'number' },
    });
    addSpec(
      paths,
      definitions,
      spec(
        { '/x': { get: ref('a') }, '/own': 2 },
        { a: { items: ref('a'), of: ref('same') }, same: { type: 'object', ...kinds('A', 'B') } },
      ),
    );
    expect(plain(paths)).toEqual({ '/own': 1, '/x': { get: ref('a_v3') } });
    expect(plain(definitions)).toEqual({
      a: { type: 'string' },
      a_v2: { type: 'number' },
      a_v3: { items: ref('a_v3'), of: ref('same') },
      same: { type: 'object', ...kinds('A', 'B') },
    });
  });

  it('is left out where all its paths are there already', () => {
    const definitions = members({});
    addSpec(members({ '/own': 1 }), definitions, spec({ '/own': 2 }, { a: {} }));
    expect(definitions.size).toBe(0);
  });
});
