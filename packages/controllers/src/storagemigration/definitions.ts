/** What definitions of custom resources tell of their migration (pkg/controller/storageversionmigrator/migrationrunner.go). */
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { GroupResource } from '@keelson/api/generated/types/meta/v1';
import { formatTime } from '@keelson/api/time';
import { type Client, hasReason, retryOnConflict } from '@keelson/client';

const FIELD_MANAGER = 'migration-runner-controller';
const TYPE = 'StorageMigrating';

interface Told {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly storedVersions?: string[];
}

export async function tellRunning(client: Client, of: GroupResource, migration: string): Promise<void> {
  const message = `Migration ${migration} is running`;
  await tell(client, of, () => ({ status: 'True', reason: 'MigrationRunning', message }));
}

/** Where the definition is what it was at the beginning, all objects are stored in the version that it stores by now. */
export async function tellOver(client: Client, of: GroupResource, hasSucceeded: boolean): Promise<void> {
  await tell(client, of, ({ metadata, spec, status }) => {
    const before = status?.conditions?.find(({ type }) => type === TYPE);
    const isSame = before?.observedGeneration === metadata.generation;
    if (!hasSucceeded) return { status: 'False', reason: 'MigrationFailed', message: 'The migration has failed' };
    const stored = spec.versions?.find(({ storage }) => storage)?.name;
    const isDone = isSame && stored !== undefined;
    const rest = isDone
      ? 'and the stored versions have been updated'
      : 'but the stored versions have not been updated due to a generation mismatch';
    return {
      status: 'False',
      reason: 'MigrationSucceeded',
      message: `The migration has succeeded ${rest}`,
      ...(isDone ? { storedVersions: [stored] } : {}),
    };
  });
}

/** Other resources have no definition, and nothing is told. */
async function tell(
  client: Client,
  { group, resource }: GroupResource,
  what: (definition: CustomResourceDefinition) => Told,
): Promise<void> {
  const definitions = client.resource('customresourcedefinitions.apiextensions.k8s.io');
  const name = `${resource}.${group}`;
  await retryOnConflict(async () => {
    let definition: CustomResourceDefinition;
    try {
      definition = await definitions.get({ name });
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      throw error;
    }
    const { storedVersions, ...said } = what(definition);
    const { resourceVersion, generation } = definition.metadata;
    const lastTransitionTime = formatTime(new Date(client.world.clock.now()));
    const condition = { type: TYPE, ...said, lastTransitionTime, observedGeneration: generation! };
    const status = { conditions: [condition], ...(storedVersions ? { storedVersions } : {}) };
    const applied = { metadata: { name, resourceVersion: resourceVersion! }, status };
    await definitions.apply(applied, FIELD_MANAGER, { subresource: 'status', force: true });
  });
}
