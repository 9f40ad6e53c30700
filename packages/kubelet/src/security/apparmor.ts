/** Whether pods with profiles of AppArmor can be held to them here (pkg/security/apparmor). */
import { existsSync, readFileSync } from 'node:fs';
import type { AppArmorProfile, Pod } from '@keelson/api/generated/types/core/v1';
import type { Rejection } from '../pods/admission.ts';
import { containersOf } from '../pods/spec.ts';

const ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

/** Whether the kernel has it. @param root of the file system */
export function hasAppArmor(root = '/'): boolean {
  const parameter = `${root}sys/module/apparmor/parameters/enabled`;
  if (!existsSync(`${root}sys/kernel/security/apparmor`) || !existsSync(parameter)) return false;
  return readFileSync(parameter, 'utf8').startsWith('Y');
}

/** Of a pod that runs already nothing is asked again. @param enabled whether the kernel has it */
export function admitAppArmor(pod: Pod, enabled: boolean): Rejection | undefined {
  if ((pod.status?.phase ?? 'Pending') !== 'Pending' || !wantsProfile(pod)) return undefined;
  const reject = (why: string): Rejection => ({ reason: 'AppArmor', message: `Cannot enforce AppArmor: ${why}` });
  if (!enabled) return reject('AppArmor is not enabled on the host');
  const isNameless = profilesOf(pod).some(
    (profile) => profile.type === 'Localhost' && (profile.localhostProfile ?? '').trim() === '',
  );
  return isNameless ? reject('invalid empty AppArmor profile name') : undefined;
}

function wantsProfile(pod: Pod): boolean {
  if (profilesOf(pod).some(({ type }) => type !== 'Unconfined')) return true;
  const annotated = Object.entries(pod.metadata.annotations ?? {}).find(([key]) => key.startsWith(ANNOTATION));
  return annotated !== undefined && annotated[1] !== 'unconfined';
}

function profilesOf(pod: Pod): AppArmorProfile[] {
  const contexts = [pod.spec?.securityContext, ...containersOf(pod).map(({ spec }) => spec.securityContext)];
  return contexts.flatMap((context) => (context?.appArmorProfile ? [context.appArmorProfile] : []));
}
