/** How far a migration is (pkg/controller/storageversionmigrator). */
import { withCondition } from '@keelson/api/conditions';
import type { Condition } from '@keelson/api/generated/types/meta/v1';
import type { StorageVersionMigration } from '@keelson/api/generated/types/storagemigration/v1beta1';
import { formatTime } from '@keelson/api/time';

export type Stage = 'Running' | 'Succeeded' | 'Failed';

export function isIn({ status }: StorageVersionMigration, stage: Stage): boolean {
  return status?.conditions?.some(({ type, status }) => type === stage && status === 'True') ?? false;
}

export function isOver(migration: StorageVersionMigration): boolean {
  return isIn(migration, 'Succeeded') || isIn(migration, 'Failed');
}

/** Stages are entered once. */
export function entered(
  migration: StorageVersionMigration,
  stage: Stage,
  reason: string,
  message: string,
  now: number,
): StorageVersionMigration {
  const conditions = migration.status?.conditions ?? [];
  if (conditions.some(({ type, status }) => type === stage && status !== 'Unknown')) return migration;
  const lastTransitionTime = formatTime(new Date(now));
  const condition: Condition = { type: stage, status: 'True', lastTransitionTime, reason, message };
  return { ...migration, status: { ...migration.status, conditions: [...conditions, condition] } };
}

/** It does not run any more. */
export function ended(migration: StorageVersionMigration, now: number): StorageVersionMigration {
  const { metadata, status } = migration;
  const condition = {
    type: 'Running',
    status: 'False',
    reason: 'MigrationCompleted',
    message: 'Migration completed',
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
  const conditions = withCondition(status.conditions ?? [], condition, new Date(now));
  return { ...migration, status: { ...status, conditions } };
}

/** Of the migrations of one resource: those to be ended, and the oldest, if none runs, to be begun. */
export function turnOf(migrations: readonly StorageVersionMigration[]): {
  over: StorageVersionMigration[];
  next: StorageVersionMigration | undefined;
} {
  const running = migrations.filter((migration) => isIn(migration, 'Running'));
  const waiting = migrations.filter((migration) => !isIn(migration, 'Running') && !isOver(migration));
  const [next] = running.every(isOver) ? waiting.sort(byAge) : [];
  return { over: running.filter(isOver), next };
}

function byAge({ metadata: a }: StorageVersionMigration, { metadata: b }: StorageVersionMigration): number {
  const [first, second] = [a, b].map(({ creationTimestamp, name }) => `${creationTimestamp} ${name}`);
  return first! < second! ? -1 : 1;
}
