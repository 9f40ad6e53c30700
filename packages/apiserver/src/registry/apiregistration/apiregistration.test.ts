import type { APIService, APIServiceSpec } from '@keelson/api/generated/types/apiregistration/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { registration } from './apiservice/index.ts';

const ctx = testContext();
const service = { namespace: 'n', name: 's', port: 443 };
const make = (spec: Partial<APIServiceSpec> = {}, name = 'v1.example.com'): APIService => ({
  metadata: { name },
  spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1, service, ...spec },
  status: {},
});

describe('APIService', () => {
  it.each<[Partial<APIServiceSpec>, string[]]>([
    [{}, []],
    [
      { groupPriorityMinimum: 20_001 },
      ['spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000'],
    ],
    [{ versionPriority: 0 }, ['spec.versionPriority: Invalid value: 0: must be positive and less than 1000']],
    [{ service: { ...service, namespace: '' } }, ['spec.service.namespace: Required value']],
    [
      { service: { ...service, port: 0 } },
      ['spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive'],
    ],
    [
      { insecureSkipTLSVerify: true, caBundle: 'YQ==' },
      ['spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present'],
    ],
    [
      { service: undefined, caBundle: 'YQ==' },
      ['spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle'],
    ],
  ])('%j', (spec, expected) => expect(texts(registration.strategy.validate?.(ctx, make(spec)))).toEqual(expected));

  it('is named after its group and version', () =>
    expect(registration.strategy.validateName?.('wrong', false, make())).toEqual([
      'must be `spec.version+"."+spec.group`: "v1.example.com"',
    ]));

  it('is available at once where the server itself serves it', () => {
    const local = make({ service: undefined });
    registration.strategy.prepareForCreate?.(ctx, local);
    expect(local.status.conditions).toMatchObject([{ type: 'Available', status: 'True', reason: 'Local' }]);
    const remote = make();
    registration.strategy.prepareForCreate?.(ctx, remote);
    expect(remote.status).toEqual({});
  });
});
