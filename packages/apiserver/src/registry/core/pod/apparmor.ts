/** AppArmor profiles, once annotations and now fields (strategy.go applyAppArmorVersionSkew). */

import { semanticEqual } from '@keelson/api/codec/equality';
import { Path } from '@keelson/api/field';
import type { AppArmorProfile, Pod } from '@keelson/api/generated/types/core/v1';
import { allContainers } from '@keelson/api/resources/pod-parts';
import { validateAppArmorProfile } from './validation/profiles.ts';

export const APPARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';

/** Undefined for an annotation that names no profile. */
export function profileOfAnnotation(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const local = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : '';
  return local === '' ? undefined : { type: 'Localhost', localhostProfile: local };
}

/** Copies profiles from annotations to containers that have none. @returns warnings */
export function syncAppArmor({ metadata, spec }: Pod): string[] {
  if (spec.os?.name === 'windows') return [];
  const warnings: string[] = [];
  for (const container of allContainers(spec)) {
    const key = APPARMOR_PREFIX + container.name;
    const annotation = metadata.annotations?.[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const named = profileOfAnnotation(annotation);
    const profile = validateAppArmorProfile(named, Path.root).length > 0 ? undefined : named;
    if (profile && semanticEqual(profile, spec.securityContext?.appArmorProfile)) continue;
    if (profile) {
      container.securityContext ??= {};
      container.securityContext.appArmorProfile = profile;
    }
    const path = Path.of('metadata', 'annotations').key(key);
    warnings.push(`${path}: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
  return warnings;
}
