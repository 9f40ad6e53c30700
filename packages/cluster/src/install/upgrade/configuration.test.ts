import { ConfigObject } from '@keelson/component/configfile';
import { expect, test } from 'vitest';
import { decodeUpgrade } from './configuration.ts';

const document = {
  apply: { kubernetesVersion: 'v1.36.1', etcdUpgrade: false },
  node: { certificateRenewal: false, patches: { directory: '/patches' }, skipPhases: ['kubelet-config'] },
  timeouts: { upgradeManifests: '1m' },
};

test.each([
  ['apply', { kubernetesVersion: 'v1.36.1', etcdUpgrade: false, certificateRenewal: true, skipPhases: [] }],
  [
    'node',
    {
      kubernetesVersion: '',
      etcdUpgrade: true,
      certificateRenewal: false,
      patchesDirectory: '/patches',
      skipPhases: ['kubelet-config'],
    },
  ],
] as const)('the part for %s', (verb, expected) => {
  expect(decodeUpgrade(new ConfigObject(document), verb)).toMatchObject({
    ...expected,
    timeouts: { upgradeManifests: 60_000, etcdAPICall: 120_000 },
  });
});

test('an unknown field is refused', () => {
  expect(() => decodeUpgrade(new ConfigObject({ node: { color: 'blue' } }), 'node')).toThrow('node.color');
});
