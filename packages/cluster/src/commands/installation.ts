/** What the commands about an installation have in common: where it is, and how what is written is shown. */
import { FlagError, type FlagTable, type FlagValues } from '@keelson/component/pflag/flags';
import type { Setting } from '../install/context.ts';
import type { DryRunFiles } from '../install/files.ts';
import { CERTIFICATES_DIR, type Layout, type LayoutOptions } from '../install/layout.ts';

const section = 'General';

export const placeFlags = {
  config: { type: 'string', section },
  root: { type: 'string', section },
  rootfs: { type: 'string', section },
  help: { type: 'bool', shorthand: 'h', section },
} as const satisfies FlagTable;

/** Of commands that have nothing else of the configuration for a flag. */
export const certDirFlags = { 'cert-dir': { type: 'string', section } } as const satisfies FlagTable;

export const certDirDescriptions: Readonly<Record<keyof typeof certDirFlags, string>> = {
  'cert-dir': `Where the certificates are. Default: ${CERTIFICATES_DIR}.`,
};

export const certDirSettings = ({ 'cert-dir': value }: FlagValues<typeof certDirFlags>): readonly Setting[] =>
  value === '' ? [] : [{ kind: 'ClusterConfiguration', path: ['certificatesDir'], value }];

export const placeDescriptions: Readonly<Record<keyof typeof placeFlags, string>> = {
  config: 'File with an InitConfiguration and a ClusterConfiguration of kubeadm.k8s.io/v1beta4.',
  root: 'Folder below which everything is, DIR/etc/kubernetes and so on; what is written names it there.',
  rootfs: 'Folder that will be the root of a machine: everything is there, and what is written does not name it.',
  help: 'Show this help.',
};

/** @throws FlagError */
export function layoutOf({ root, rootfs }: { readonly root: string; readonly rootfs: string }): LayoutOptions {
  if (root !== '' && rootfs !== '') throw new FlagError('--root and --rootfs exclude each other');
  return rootfs === '' ? { root, runHere: root !== '' } : { root: rootfs };
}

/** Shows what would have been written; keys and what holds them, by their names alone. */
export function showFiles({ written }: DryRunFiles, layout: Layout, report: (line: string) => void): void {
  const isPem = (path: string) => /\.(key|crt|pub|conf)$/.test(path);
  report('\nNothing was changed. These files would be written:');
  for (const path of [...written.keys()].filter(isPem)) report(`  ${layout.local(path)}`);
  for (const [path, text] of written)
    if (!isPem(path)) report(`\n${layout.local(path)}\n${text.trimEnd().replaceAll(/^(?=.)/gm, '  ')}`);
}
