/** Plugins that ask nothing. */
import type { AdmissionPlugin } from './plugin.ts';
import { refuse } from './plugin.ts';

export function alwaysAdmit(): AdmissionPlugin {
  return { name: 'AlwaysAdmit', handles: () => false };
}

export function alwaysDeny(): AdmissionPlugin {
  const deny: AdmissionPlugin['validate'] = (a) => {
    throw refuse(a, 'admission control is denying all modifications');
  };
  return { name: 'AlwaysDeny', handles: () => true, mutate: deny, validate: deny };
}
