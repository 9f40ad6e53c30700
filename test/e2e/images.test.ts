/** The images that `npm run image` makes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeImages } from '../support/machine.ts';
import { missing } from '../support/tools.ts';

const directory = mkdtempSync(join(tmpdir(), 'keelson-images-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const MIB = 2 ** 20;

test.skipIf(process.arch !== 'x64' || missing('etcd'))(
  'the images are small, of nobody who has rights, and the same each time',
  () => {
    const archives = makeImages(join(directory, '1'));
    const again = makeImages(join(directory, '2'));
    for (const [i, archive] of archives.entries()) {
      expect(statSync(archive).size).toBeLessThan(64 * MIB);
      expect(readFileSync(again[i]!).equals(readFileSync(archive))).toBe(true);
    }
    const [keelson, etcd, pause, node] = ['keelson', 'etcd', 'pause', 'node'].map((name) => {
      const path = archives.find((archive) => archive.endsWith(`/${name}.tar`));
      return path === undefined ? undefined : read(path);
    });
    expect(keelson!.names).toEqual(
      ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'dns'].map(
        (name) => `localhost/keelson/${name}:v1.36.2`,
      ),
    );
    expect(etcd!.names).toContain('localhost/keelson/etcd:v1.36.2');
    if (node) expect(node.names).toContain('localhost/keelson/kube-proxy:v1.36.2');
    expect(pause!.names).toEqual(['localhost/keelson/pause:v1.36.2']);
    for (const { config } of [keelson!, etcd!, pause!, ...(node ? [node] : [])])
      expect(config.User).toBe('65532:65532');
  },
  60_000,
);

/** The names of an archive's one image, and how it is run. */
function read(archive: string): { names: string[]; config: { User: string } } {
  const json = (path: string) =>
    JSON.parse(execFileSync('tar', ['-xOf', archive, path], { encoding: 'utf8', maxBuffer: MIB }));
  const blob = ({ digest }: { digest: string }) => json(`blobs/sha256/${digest.slice('sha256:'.length)}`);
  const { manifests } = json('index.json') as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  const names = manifests.map(({ annotations }) => annotations['io.containerd.image.name']!);
  return { names, config: blob(blob(manifests[0]!).config).config };
}
