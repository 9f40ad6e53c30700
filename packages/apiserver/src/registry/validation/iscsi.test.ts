import { expect, it } from 'vitest';
import { isISCSIName } from './iscsi.ts';

it.each<[string, boolean | undefined]>([
  ['iqn.2015-02.example.com:test', true],
  ['iqn.2015-02.example.com:a:b', true],
  ['iqn.2015-02.example.com:a b', false],
  ['iqn.2015-02.example.com:', false],
  ['iqn.2015-02.:test', false],
  ['iqn.15-02.example.com:test', false],
  ['iqn.2015-02.example.com', false],
  ['iqn, iqn.2015-02.example.com:test', true],
  ['iqn.2015-02.a:b,c', false],
  ['eui.0123456789ABCDEF', true],
  ['eui.01234567890123456789', false],
  ['naa.62004567BA64678D0123456789ABCDEF', true],
  ['naa.62004567BA', false],
  ['other', undefined],
  ['iqn.2015-02.a'.repeat(50_000), false],
])('%s', (name, expected) => expect(isISCSIName(name)).toBe(expected));
