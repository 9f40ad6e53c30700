/** UpgradeConfiguration from its document (kubeadm/app/apis/kubeadm/v1beta4). */
import type { ConfigObject } from '@keelson/component/configfile';
import { decodeTimeouts } from '../configuration/init.ts';
import type { Timeouts } from '../configuration/types.ts';

export interface UpgradeConfiguration {
  /** Empty: this release's. */
  readonly kubernetesVersion: string;
  readonly certificateRenewal: boolean;
  readonly etcdUpgrade: boolean;
  readonly dryRun: boolean;
  readonly ignorePreflightErrors: readonly string[];
  /** Empty for none. */
  readonly patchesDirectory: string;
  readonly skipPhases: readonly string[];
  readonly timeouts: Timeouts;
}

/** Images are brought to the machine, nobody is asked, and this release has one version. */
const passedOver = [
  'allowExperimentalUpgrades',
  'allowRCUpgrades',
  'forceUpgrade',
  'imagePullPolicy',
  'imagePullSerial',
  'printConfig',
] as const;

/** @param verb whose part of the document counts. @throws ConfigFileError naming the field */
export function decodeUpgrade(object: ConfigObject, verb: 'apply' | 'node'): UpgradeConfiguration {
  for (const other of ['apply', 'node', 'plan', 'diff']) if (other !== verb) object.raw(other);
  const part = object.object(verb);
  const patches = part.object('patches');
  const upgrade = {
    kubernetesVersion: verb === 'apply' ? part.string('kubernetesVersion') : '',
    certificateRenewal: part.boolean('certificateRenewal', true),
    etcdUpgrade: part.boolean('etcdUpgrade', true),
    dryRun: part.boolean('dryRun'),
    ignorePreflightErrors: part.strings('ignorePreflightErrors'),
    patchesDirectory: patches.string('directory'),
    skipPhases: part.strings('skipPhases'),
    timeouts: decodeTimeouts(object.object('timeouts')),
  };
  for (const field of passedOver) part.raw(field);
  for (const each of [patches, part, object]) each.expectNothingElse();
  return upgrade;
}
