import { expect, it } from 'vitest';
import { identityHeaders } from './front-proxy.ts';

it('names the user in headers', () => {
  const extra = { 'example.com/zone': ['a', 'b'], 'ü%': ['x'], none: [] };
  expect(identityHeaders({ name: 'jané\ty', uid: '', groups: ['g1', 'g2'], extra })).toEqual({
    'x-remote-user': [Buffer.from('jané\ty').toString('latin1')],
    'x-remote-group': ['g1', 'g2'],
    'x-remote-extra-example.com%2Fzone': ['a', 'b'],
    'x-remote-extra-%C3%BC%25': ['x'],
  });
  expect(identityHeaders({ name: '', uid: 'u', groups: [], extra: {} })).toEqual({
    'x-remote-user': [''],
    'x-remote-uid': ['u'],
  });
});

it.each([
  ['X-Remote-User', { name: 'jane\nx' }],
  ['X-Remote-Uid', { uid: '\r' }],
  ['X-Remote-Group', { groups: ['a', 'b\0'] }],
  ['X-Remote-Extra-Zone', { extra: { zone: ['\x7f'] } }],
])('names nobody else where %s would break', (header, user) => {
  const message = `error trying to reach service: net/http: invalid header field value for "${header}"`;
  expect(() => identityHeaders({ name: 'jane', uid: '', groups: [], extra: {}, ...user })).toThrow(message);
});
