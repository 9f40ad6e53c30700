import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { cellsAt } from '../../columns.ts';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const { strategy, table } = registration;
const ctx = testContext();
const map = (rest: Partial<ConfigMap>): ConfigMap => ({ metadata: { name: 'a' }, ...rest });

describe('ConfigMap', () => {
  it.each<[string, Partial<ConfigMap>, string[]]>([
    ['nothing', {}, []],
    ['good keys', { data: { 'a.b_c-1': '', constructor: '' }, binaryData: { x: 'AA==' } }, []],
    [
      'a key in both bags',
      { data: { a: '' }, binaryData: { a: 'AA==' } },
      ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ],
    ['a parent directory', { data: { '..': '' } }, [`data[..]: Invalid value: "..": must not be '..'`]],
    [
      'over a mebibyte',
      { data: { a: 'x'.repeat(1024 * 1024 + 1) } },
      ['[]: Too long: may not be more than 1048576 bytes'],
    ],
  ])('validates %s', (_name, rest, expected) => expect(texts(strategy.validate?.(ctx, map(rest)))).toEqual(expected));

  it('keeps what is immutable', () => {
    const old = map({ immutable: true, data: { a: '1' } });
    const message = 'Forbidden: field is immutable when `immutable` is set';
    expect(texts(strategy.validateChange?.(map({ data: { a: '2' } }), old))).toEqual([
      `immutable: ${message}`,
      `data: ${message}`,
    ]);
    expect(texts(strategy.validateChange?.(map({ immutable: true, data: { a: '1' } }), old))).toEqual([]);
  });

  it.each([
    [{ data: {} }, {}, []],
    [{}, { data: {} }, []],
    [{ binaryData: {} }, {}, ['binaryData: Forbidden: field is immutable when `immutable` is set']],
  ])('what is immutable may have %j for %j', (now, before, expected) => {
    const [obj, old] = [map({ immutable: true, ...now }), map({ immutable: true, ...before })];
    expect(texts(strategy.validateChange?.(obj, old))).toEqual(expected);
  });

  it('counts keys of both bags', () => {
    const obj = map({ data: { a: '' }, binaryData: { b: '' } });
    obj.metadata.creationTimestamp = '2026-01-02T03:00:00Z';
    expect(cellsAt(table!.row(obj).cells, ctx.now)).toEqual(['a', 2, '4m5s']);
  });
});
