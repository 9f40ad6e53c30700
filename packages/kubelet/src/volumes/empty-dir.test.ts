import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { makeEmptyDir, pageSizeOf, sizeInMemory } from './empty-dir.ts';
import { mountOf } from './filesystem.ts';

const asking = (...requests: Record<string, string>[]) => ({
  containers: requests.map((each, index) => container(`c${index}`, { resources: { requests: each } })),
});
const none = (medium: string) =>
  `medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`;

describe('the size of the pages of a volume', () => {
  it.each<[string, string, Parameters<typeof podOf>[0], string]>([
    ['of the one size', 'HugePages', asking({ 'hugepages-2Mi': '4Mi' }, { 'hugepages-2048Ki': '2Mi' }), '2Mi'],
    ['of those that are named', 'HugePages-1Gi', asking({ 'hugepages-2Mi': '4Mi', 'hugepages-1Gi': '1Gi' }), '1Gi'],
    [
      'of an init container',
      'HugePages',
      { ...asking({}), initContainers: asking({ 'hugepages-2Mi': '2Mi' }).containers },
      '2Mi',
    ],
    ['of the pod', 'HugePages-2Mi', { ...asking({}), resources: { requests: { 'hugepages-2Mi': '2Mi' } } }, '2Mi'],
    ['of none', 'HugePages', asking({ memory: '1Gi' }), none('HugePages')],
    ['of another', 'HugePages-1Gi', asking({ 'hugepages-2Mi': '2Mi' }), none('HugePages-1Gi')],
    [
      'of several',
      'HugePages',
      asking({ 'hugepages-2Mi': '2Mi' }, { 'hugepages-1Gi': '1Gi' }),
      "medium: HugePages can't be used if container requests multiple huge page sizes",
    ],
  ])('%s', (_what, medium, spec, size) => {
    const found = () => pageSizeOf(podOf(spec), medium).toString();
    if (/^\d/.test(size)) expect(found()).toBe(size);
    else expect(found).toThrow(size);
  });
});

describe('the size of a volume in memory', () => {
  const limited = podOf({ containers: [container('a', { resources: { limits: { memory: '2Gi' } } })] });
  const free = podOf({ containers: [container('a')] });
  it.each([
    ['what the node has', free, undefined, '8Gi', 8],
    ['what the pod may have', limited, undefined, '8Gi', 2],
    ['what the volume may', limited, '1Gi', '8Gi', 1],
    ['no more than the pod may have', limited, '4Gi', '8Gi', 2],
    ['a limit of nothing is none', free, '0', '8Gi', 8],
  ])('%s', (_what, pod, limit, allocatable, gibibytes) => {
    expect(sizeInMemory(pod, limit, allocatable)).toBe(gibibytes * 2 ** 30);
  });
  it('nobody says', () => expect(sizeInMemory(free, undefined, undefined)).toBeUndefined());
});

describe('makeEmptyDir', () => {
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), 'keelson-empty-dir-'));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return path;
  };

  it('knows no other media', async () => {
    const making = makeEmptyDir(podOf(asking({})), { medium: 'Tape' }, join(await folder(), 'v'), undefined);
    await expect(making).rejects.toThrow('unknown storage medium "Tape"');
  });

  it.skipIf(!canMountPages())('mounts huge pages, once, and of one size', async () => {
    const path = join(await folder(), 'v');
    const pod = podOf(asking({ 'hugepages-2Mi': '2Mi' }));
    onTestFinished(() => void execFileSync('umount', [path]));
    for (const medium of ['HugePages-2Mi', 'HugePages', 'HugePages-2Mi']) {
      await makeEmptyDir(pod, { medium }, path, undefined);
      expect(await mountOf(path)).toMatchObject({ type: 'hugetlbfs' });
      expect((await mountOf(path))?.options).toContain('pagesize=2M');
    }
    const other = makeEmptyDir(pod, { medium: 'HugePages-1Gi' }, path, undefined);
    await expect(other).rejects.toThrow(
      `pod u1: mounted dir ${path} pagesize '2Mi' and requested medium size '1Gi' differ`,
    );
    expect(await readdir(path)).toEqual([]);
  });
});

/** Some machines for tests let nobody mount, or have no such pages. */
function canMountPages(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/sys/kernel/mm/hugepages/hugepages-2048kB')) return false;
  const path = join(tmpdir(), `keelson-pages-${process.pid}`);
  try {
    execFileSync('mkdir', ['-p', path]);
    execFileSync('mount', ['-t', 'hugetlbfs', '-o', 'pagesize=2M', 'nodev', path], { stdio: 'pipe' });
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    execFileSync('rmdir', [path]);
  }
}
