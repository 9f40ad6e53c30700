import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags } from '@keelson/component/pflag/flags';
import { defaultTunnel } from '@keelson/pod-network/tunnel-settings';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tunnelOf } from './configuration.ts';
import { flags } from './flags.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-pod-network-'));
});
afterAll(() => rm(folder, { recursive: true }));

const of = (...argv: string[]) => tunnelOf(parseFlags(flags, argv).values);
const ofFile = async (fields: string, ...argv: string[]) => {
  const path = join(folder, 'config.conf');
  await writeFile(path, `apiVersion: podnetwork.config.keelson/v1alpha1\nkind: PodNetworkConfiguration\n${fields}\n`);
  return of(`--config=${path}`, ...argv);
};

describe('how the network of pods is set', () => {
  test('by default, by flags, by a file', async () => {
    expect(await of()).toEqual({ mode: 'CrossSubnet', id: 1, port: 8472 });
    expect(await of('--tunnel=Always', '--vxlan-id=7', '--vxlan-port=4789')).toEqual({
      mode: 'Always',
      id: 7,
      port: 4789,
    });
    expect(await ofFile('')).toEqual(defaultTunnel);
    expect(await ofFile('tunnel: Never\nvxlan: {port: 4789}', '--tunnel=Always', '--vxlan-id=7')).toEqual({
      mode: 'Never',
      id: 1,
      port: 4789,
    });
  });

  test.each([
    [() => of('--tunnel=always'), 'tunnel: "always" is none of CrossSubnet, Always, Never'],
    [() => of('--vxlan-id=16777216'), 'vxlan.id: 16777216 is not between 1 and 16777215'],
    [() => ofFile('vxlan: {port: 0}'), 'vxlan.port: 0 is not between 1 and 65535'],
    [() => ofFile('tunel: Never'), 'tunel'],
    [() => ofFile('vxlan: {vni: 1}'), 'vni'],
    [() => of('--config=/nowhere'), '/nowhere'],
  ])('what makes no sense is refused (%#)', async (set, message) => {
    await expect(set()).rejects.toThrow(message);
  });
});
