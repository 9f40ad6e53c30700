import { describe, expect, it } from 'vitest';
import { decodeContinue, encodeContinue } from './continue.ts';

const PREFIX = '/registry/configmaps/default/';
const tokenOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const V = 'meta.k8s.io/v1';

describe('continue tokens', () => {
  it.each([
    ['as they are made here', encodeContinue(`${PREFIX}a\0`, PREFIX, 7)],
    ["as upstream's watch cache makes them", tokenOf({ v: V, rv: 7, start: '/a\0' })],
    ['as upstream makes them of the store', tokenOf({ v: V, rv: 7, start: 'a\0' })],
    ['with ends of lines', `${tokenOf({ v: V, rv: 7, start: 'a\0' })}\n`],
  ])('are read %s', (_, token) => expect(decodeContinue(token, PREFIX)).toEqual({ from: `${PREFIX}a\0`, revision: 7 }));

  it('are the same here and there', () => {
    expect(encodeContinue(`${PREFIX}a\0`, PREFIX, 7)).toBe(tokenOf({ v: V, rv: 7, start: '/a\0' }));
  });

  it.each([
    ['%', ': illegal base64 data at input byte 0'],
    [tokenOf({}), ': server does not recognize this encoded version '],
    [tokenOf(null), ': server does not recognize this encoded version '],
    [tokenOf({ v: V, start: 'a' }), ': incorrect encoded start resourceVersion (version meta.k8s.io/v1)'],
    [tokenOf({ v: V, rv: 7 }), ': encoded start key empty (version meta.k8s.io/v1)'],
    [tokenOf({ v: V, rv: 7, start: '../secrets' }), ': ../secrets'],
    [
      tokenOf({ v: V, rv: '7', start: 'a' }),
      ': json: cannot unmarshal string into Go struct field continueToken.rv of type int64',
    ],
    [tokenOf([]), ': json: cannot unmarshal array into Go value of type storage.continueToken'],
  ])('%s is refused', (token, why) =>
    expect(() => decodeContinue(token, PREFIX)).toThrow(`invalid continue token: continue key is not valid${why}`),
  );
});
