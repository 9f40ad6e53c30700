import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { admitAppArmor, hasAppArmor } from './apparmor.ts';

const annotated = (value: string) => ({ annotations: { 'container.apparmor.security.beta.kubernetes.io/a': value } });
const of = (type: string, localhostProfile?: string) => ({
  securityContext: { appArmorProfile: { type, ...(localhostProfile === undefined ? {} : { localhostProfile }) } },
});
const plain = podOf({ containers: [container('a')] });
const NOT_HERE = 'Cannot enforce AppArmor: AppArmor is not enabled on the host';

test.each([
  ['no profile', plain, undefined, undefined],
  ['the pod has one', podOf({ containers: [container('a')], ...of('RuntimeDefault') }), NOT_HERE, undefined],
  ['a container has one', podOf({ containers: [container('a', of('Localhost', 'p'))] }), NOT_HERE, undefined],
  ['none by its own word', podOf({ containers: [container('a', of('Unconfined'))] }), undefined, undefined],
  ['an annotation', podOf({ containers: [container('a')] }, annotated('runtime/default')), NOT_HERE, undefined],
  ['an annotation of none', podOf({ containers: [container('a')] }, annotated('unconfined')), undefined, undefined],
  [
    'one without a name',
    podOf({ containers: [container('a', of('Localhost', ' '))] }),
    NOT_HERE,
    'Cannot enforce AppArmor: invalid empty AppArmor profile name',
  ],
])('%s', (_, pod, without, withIt) => {
  expect(admitAppArmor(pod, false)?.message).toBe(without);
  expect(admitAppArmor(pod, true)?.message).toBe(withIt);
  expect(admitAppArmor({ ...pod, status: { phase: 'Running' } }, false)).toBeUndefined();
});

test('the kernel says whether it has it', () => {
  const root = `${mkdtempSync(join(tmpdir(), 'apparmor-'))}/`;
  const folder = join(root, 'sys/module/apparmor/parameters');
  try {
    expect(hasAppArmor(root)).toBe(false);
    mkdirSync(join(root, 'sys/kernel/security/apparmor'), { recursive: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'enabled'), 'N\n');
    expect(hasAppArmor(root)).toBe(false);
    writeFileSync(join(folder, 'enabled'), 'Y\n');
    expect(hasAppArmor(root)).toBe(true);
  } finally {
    rmSync(root, { recursive: true });
  }
});
