import type { Secret } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { registration } from './index.ts';

const { strategy } = registration;
const ctx = testContext();
const secret = (type: string, data: Record<string, string> = {}): Secret => ({
  metadata: { name: 'a' },
  type,
  data: Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v).toString('base64')])),
});

describe('Secret', () => {
  it('merges stringData over data and is Opaque by default', () => {
    const obj: Secret = { metadata: {}, data: { a: 'AA==', b: 'AA==' }, stringData: { a: 'ü' } };
    strategy.defaults?.(obj, 'v1');
    expect(obj).toEqual({ metadata: {}, data: { a: 'w7w=', b: 'AA==' }, type: 'Opaque' });
  });

  it.each<[Secret, string[]]>([
    [secret('Opaque'), []],
    [secret('example.com/own'), []],
    [
      secret('kubernetes.io/service-account-token'),
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
    [secret('kubernetes.io/dockercfg'), ['data[.dockercfg]: Required value']],
    [
      secret('kubernetes.io/dockerconfigjson', { '.dockerconfigjson': '[]' }),
      [
        'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
      ],
    ],
    [secret('kubernetes.io/basic-auth'), ['data[username]: Required value', 'data[password]: Required value']],
    [secret('kubernetes.io/basic-auth', { password: '' }), []],
    [secret('kubernetes.io/ssh-auth', { 'ssh-privatekey': '' }), ['data[ssh-privatekey]: Required value']],
    [secret('kubernetes.io/tls'), ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
  ])('validates $type', (obj, expected) => expect(texts(strategy.validate?.(ctx, obj))).toEqual(expected));

  it('keeps its type', () => {
    expect(texts(strategy.validateChange?.(secret('a'), secret('b')))).toEqual([
      'type: Invalid value: "a": field is immutable',
    ]);
  });

  it.each([
    ['', '', 'tls: failed to find any PEM data in certificate input'],
    [
      '-----BEGIN X-----\nAAAA\n-----END X-----\n',
      '',
      'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [X]',
    ],
    [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      '',
      'tls: failed to find any PEM data in key input',
    ],
    [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      'x509: malformed certificate',
    ],
  ])('warns of a bad key pair %#', (crt, key, expected) => {
    const obj = secret('kubernetes.io/tls', { 'tls.crt': crt, 'tls.key': key });
    expect(strategy.warningsOnCreate?.(ctx, obj)).toEqual([expected]);
  });
});
