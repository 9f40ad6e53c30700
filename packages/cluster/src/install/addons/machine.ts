/** An addon that a machine runs by a unit of systemd, as an account of its own. */
import { certificateFile } from '../certificates.ts';
import { type KubeconfigContent, kubeconfigText } from '../kubeconfigs.ts';
import { type AddonName, addonFolder, type Layout, unitFile } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import { addonUnit } from '../systemd/addon-unit.ts';
import { ensureFile } from '../written.ts';

export interface MachineAddon {
  readonly name: AddonName;
  readonly description: string;
  /** The name of a program, and its words. */
  readonly command: readonly string[];
  /** What it reads beside its kubeconfig, by name: texts in which the folder is named as on a machine. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of root's capabilities, those that it needs. */
  readonly capabilities: readonly string[];
  /** Folders that it writes to, as the machine has them; they are made. */
  readonly writable?: readonly string[];
}

/** Who it is, and where. */
export interface AddonAccess {
  readonly clusterName: string;
  readonly server: string;
  readonly certificateAuthority: string;
  readonly account: string;
  readonly credentials: KubeconfigContent['credentials'];
}

export type MachineContext = Pick<InstallContext, 'files' | 'layout' | 'program' | 'services' | 'report'>;

export const addonKubeconfig = (name: AddonName, layout: Layout) => `${layout.host(addonFolder(name))}/kubeconfig.conf`;

/** Writes what an addon reads, and its unit, and starts that. */
export async function ensureMachineAddon(
  context: MachineContext,
  addon: MachineAddon,
  { clusterName, server, certificateAuthority, account, credentials }: AddonAccess,
): Promise<void> {
  const { files, layout, services, report } = context;
  const { name } = addon;
  const folder = addonFolder(name);
  await files.makeDirectory(folder, 0o700);
  const content = { clusterName, server, certificateAuthority, user: account, credentials };
  const written = [await ensureFile(context, 'addon', `${folder}/kubeconfig.conf`, kubeconfigText(content))];
  for (const [file, text] of Object.entries(addon.files ?? {}))
    written.push(
      await ensureFile(context, 'addon', `${folder}/${file}`, text.replaceAll(folder, layout.host(folder)), 0o644),
    );
  const { writable = [] } = addon;
  for (const path of writable) await files.makeDirectory(path, 0o755);
  const unit = addonUnit({ ...addon, writable: writable.map((path) => layout.host(path)) }, context.program);
  written.push(await ensureFile(context, 'addon', unitFile(name), unit, 0o644));
  if (!written.includes(true) || !services) return;
  await services.start(`${name}.service`);
  report(`[addon] started ${name}.service`);
}

/** The authority, as the machine of a control plane has it. */
export async function ownAuthority({ files, configuration }: InstallContext): Promise<string> {
  return (await files.read(certificateFile(configuration.cluster, 'ca'))) ?? '';
}
