/** How the emptying of a namespace stands, as its status tells (pkg/controller/namespace/deletion). */
import { withCondition } from '@keelson/api/conditions';
import type { NamespaceCondition } from '@keelson/api/generated/types/core/v1';

/** What emptying a namespace came to. */
export interface Outcome {
  /** `group/version`s that discovery had no answer for. */
  readonly undiscovered: readonly string[];
  readonly failures: readonly string[];
  /** Objects left, by `resource.group`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Objects held by finalizers, by finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

interface Kind {
  readonly type: string;
  readonly fine: { readonly reason: string; readonly message: string };
  /** Undefined when all is fine. */
  failing(outcome: Outcome): { readonly reason: string; readonly message: string } | undefined;
}

const counted = (counts: ReadonlyMap<string, number>, words: (name: string, count: number) => string) =>
  [...counts]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => words(name, count))
    .sort()
    .join(', ');

const kinds: readonly Kind[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    fine: { reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
    failing: ({ undiscovered }) =>
      undiscovered.length === 0
        ? undefined
        : {
            reason: 'DiscoveryFailed',
            message: `Discovery failed for some groups, ${undiscovered.length} failing: unable to retrieve the complete list of server APIs: ${undiscovered.map((each) => `${each}: stale GroupVersion discovery: ${each}`).join(', ')}`,
          },
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    fine: { reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
    failing: () => undefined,
  },
  {
    type: 'NamespaceDeletionContentFailure',
    fine: {
      reason: 'ContentDeleted',
      message: 'All content successfully deleted, may be waiting on finalization',
    },
    failing: ({ failures }) =>
      failures.length === 0
        ? undefined
        : {
            reason: 'ContentDeletionFailed',
            message: `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(', ')}`,
          },
  },
  {
    type: 'NamespaceContentRemaining',
    fine: { reason: 'ContentRemoved', message: 'All content successfully removed' },
    failing: ({ remaining }) =>
      remaining.size === 0
        ? undefined
        : {
            reason: 'SomeResourcesRemain',
            message: `Some resources are remaining: ${counted(remaining, (name, count) => `${name} has ${count} resource instances`)}`,
          },
  },
  {
    type: 'NamespaceFinalizersRemaining',
    fine: { reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' },
    failing: ({ finalizers }) =>
      finalizers.size === 0
        ? undefined
        : {
            reason: 'SomeFinalizersRemain',
            message: `Some content in the namespace has finalizers remaining: ${counted(finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
          },
  },
];

/**
 * @returns the conditions with the outcome in them; `before` itself when nothing differs
 */
export function withOutcome(before: NamespaceCondition[], outcome: Outcome, now: Date): NamespaceCondition[] {
  let after = before;
  for (const { type, fine, failing } of kinds) {
    const problem = failing(outcome);
    const status = problem ? 'True' : 'False';
    const { reason, message } = problem ?? fine;
    after = withCondition(after, { type, status, reason, message }, now);
  }
  return after;
}
