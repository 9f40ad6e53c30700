/** The built-in groups as discovery shows them. */
import { ApiGroups } from './groups.ts';
import { builtinPriority } from './priorities.ts';
import type { ServedGroup } from './runtime-config.ts';

/**
 * @param served what {@link enabledGroups} of runtime-config.ts says
 * @param serverAddress, showsHashes see {@link ApiGroups}
 */
export function builtinApiGroups(
  served: readonly ServedGroup[],
  serverAddress: () => string,
  showsHashes: boolean,
): ApiGroups {
  const groups = new ApiGroups(serverAddress, showsHashes);
  for (const { name, versions } of served) {
    for (const { version, resources } of versions) {
      groups.setVersion('builtin', name, version, { resources, priority: builtinPriority(name, version) });
    }
  }
  return groups;
}
