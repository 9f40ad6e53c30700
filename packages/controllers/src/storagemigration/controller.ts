/**
 * Has objects written again in the version that is stored now (pkg/controller/storageversionmigrator).
 *
 *     the oldest of its resource ─▶ Running ─▶ resourceVersion: the objects there are ─▶ each written ─▶ Succeeded, Failed
 */
import { StatusError } from '@keelson/api/errors';
import type { GroupResource } from '@keelson/api/generated/types/meta/v1';
import type { StorageVersionMigration } from '@keelson/api/generated/types/storagemigration/v1beta1';
import { apiVersionOf, type TypedObject } from '@keelson/api/object';
import { millisOf } from '@keelson/api/time';
import { discover, hasReason, keyOf, type ServedResource, WorkQueue } from '@keelson/client';
import { together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { isServed } from '../served.ts';
import { runQueue } from '../work.ts';
import { tellOver, tellRunning } from './definitions.ts';
import { ended, entered, isIn, isOver, turnOf } from './state.ts';

const MIGRATIONS = 'storageversionmigrations.storagemigration.k8s.io';
const FIELD_MANAGER = 'storage-version-migrator-controller';
const VERBS = ['update', 'patch', 'list'];
/** A resource that has just been defined may not be known yet. */
const PATIENCE_MS = 60_000;
/** What a server says that may do better later. */
const PASSING = ['ServerTimeout', 'TooManyRequests', 'ServiceUnavailable', 'InternalError', 'Timeout', 'Expired'];

const keyOfResource = ({ group = '', resource }: GroupResource) => `${resource}.${group}`;

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  if (!(await isServed(client, MIGRATIONS))) return undefined;
  const turns = new WorkQueue<string>(world, 'resource_version_controller');
  const queue = new WorkQueue<string>(world, 'storage_version_migrator_controller');
  const migrations = informers.informer(MIGRATIONS);
  const resource = client.resource(MIGRATIONS);
  const changed = ({ metadata, spec }: StorageVersionMigration) => {
    turns.add(keyOfResource(spec.resource));
    queue.add(metadata.name!);
  };
  migrations.addHandler({ added: changed, updated: (_, migration) => changed(migration), deleted: changed });
  const now = () => world.clock.now();

  const takeTurns = async (key: string) => {
    const all = migrations.store.list().filter(({ spec }) => keyOfResource(spec.resource) === key);
    const { over, next } = turnOf(all);
    for (const migration of over) {
      await tellOver(client, migration.spec.resource, isIn(migration, 'Succeeded'));
      await resource.updateStatus(ended(migration, now()));
    }
    if (!next) return;
    await tellRunning(client, next.spec.resource, next.metadata.name!);
    await resource.updateStatus(entered(next, 'Running', 'MigrationRunning', 'The migration is running', now()));
  };

  const fail = async (migration: StorageVersionMigration, message: string) => {
    await resource.updateStatus(entered(migration, 'Failed', 'StorageVersionMigrationFailed', message, now()));
  };

  const migrate = async (name: string) => {
    const migration = migrations.store.get(name);
    if (!migration || isOver(migration) || !isIn(migration, 'Running')) return;
    const { group = '', resource: plural } = migration.spec.resource;
    const { resources } = await discover(client);
    const found = resources.find((each) => each.group === group && each.resource === plural);
    if (!found) {
      const isNew = millisOf(migration.metadata.creationTimestamp!) + PATIENCE_MS > now();
      if (isNew) throw new Error('resource does not exist in rest mapper, requeuing to attempt again');
      await fail(migration, 'resource does not exist in discovery');
      return;
    }
    const { resourceVersion } = migration.status ?? {};
    if (resourceVersion) await rewrite(migration, found, BigInt(resourceVersion));
    else if (!VERBS.every((verb) => found.verbs.includes(verb))) {
      const shown = `${apiVersionOf(found)}, Resource=${plural}`;
      await fail(migration, `resource "${shown}" does not support discovery operations: [${VERBS.join(' ')}]`);
    } else {
      const { metadata } = await client.metadata(found).list({ limit: 1 });
      const status = { ...migration.status, resourceVersion: metadata.resourceVersion! };
      await resource.updateStatus({ ...migration, status });
    }
  };

  /** What was written since then is stored as it should be. */
  const rewrite = async (migration: StorageVersionMigration, found: ServedResource, since: bigint) => {
    try {
      for await (const { items } of client.metadata(found).pages()) {
        for (const item of items) if (BigInt(item.metadata.resourceVersion!) <= since) await touch(found, item);
      }
    } catch (error) {
      if (!(error instanceof StatusError) || PASSING.includes(error.reason)) throw error;
      await fail(migration, `migration encountered unhandled error: ${error.message}`);
      return;
    }
    await resource.updateStatus(entered(migration, 'Succeeded', 'StorageVersionMigrationSucceeded', '', now()));
  };

  /** An apply of nothing. With its uid and version, what somebody has changed or deleted meanwhile is left alone. */
  const touch = async (found: ServedResource, { metadata }: TypedObject) => {
    const { namespace, name = '', uid, resourceVersion } = metadata;
    const patch = { apiVersion: apiVersionOf(found), kind: found.kind, metadata: { uid, resourceVersion } };
    try {
      const options = { fieldManager: FIELD_MANAGER };
      await client.metadata(found).patch(keyOf({ metadata: { namespace, name } }), 'apply', patch, options);
    } catch (error) {
      if (!hasReason(error, 'Conflict')) throw error;
    }
  };

  const informersUsed = [migrations];
  return together([
    runQueue(context, { queue: turns, informers: informersUsed, workers: 1, reconcile: takeTurns }),
    runQueue(context, { queue, informers: informersUsed, workers: 5, reconcile: migrate }),
  ]);
}
