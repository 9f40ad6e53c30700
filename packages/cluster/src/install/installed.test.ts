import { describe, expect, test } from 'vitest';
import { installedEndpoint, installedEtcd, installedNodeName } from './installed.ts';
import { ensureEtcd } from './parts.ts';
import { runPhases } from './phase.ts';
import { certsPhase } from './phases/certs.ts';
import { controlPlanePhase } from './phases/control-plane.ts';
import { kubeconfigPhase } from './phases/kubeconfig.ts';
import { document, testInstallation } from './testing.ts';

const quick = document('ClusterConfiguration', 'encryptionAlgorithm: ECDSA-P256');
const own = { name: 'vm', peerUrl: 'https://192.0.2.2:2380' };
const other = { name: 'm1', peerUrl: 'https://192.0.2.1:2380' };

describe.each([false, true])('what is installed, by systemd: %s', (systemd) => {
  test.each([
    ['the first', [], [], ['https://192.0.2.2:2379']],
    ['another', [other, own], [other, own], ['https://192.0.2.2:2379', 'https://192.0.2.1:2379']],
  ])('etcd, as %s of the cluster', async (_, joined, members, endpoints) => {
    const { context, files } = testInstallation(quick, { systemd });
    await ensureEtcd(context, joined);
    expect(await installedEtcd(files)).toEqual({ peerUrl: own.peerUrl, members, endpoints });
  });

  test('the API server, and the node', async () => {
    const { context, files } = testInstallation(
      quick + document('InitConfiguration', 'localAPIEndpoint: {bindPort: 7443}'),
      { systemd },
    );
    await runPhases([certsPhase, kubeconfigPhase, controlPlanePhase], context);
    expect(await installedEndpoint(files)).toEqual({ advertiseAddress: '192.0.2.2', bindPort: 7443, systemd });
    expect(await installedNodeName(files, expect.unreachable)).toBe('vm');
  });

  test('nothing', async () => {
    const { files } = testInstallation(quick, { systemd });
    expect(await installedEtcd(files)).toBeUndefined();
    expect(await installedEndpoint(files)).toBeUndefined();
    expect(await installedNodeName(files, expect.unreachable)).toBeUndefined();
  });
});
