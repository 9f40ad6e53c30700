/** The feature gates of a component: refused in upstream's words, and told of where they change nothing here. */
import type { EffectiveVersion } from '@keelson/component/emulation';
import { FeatureGateError, FeatureGates, parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import type { Logger } from '@keelson/component/logs/logger';
import { LOGGING_GATES } from './commands/logging.ts';
import { StartupError } from './startup-error.ts';

/** Those that decide something in every component: its pages, its log and how it lists. */
export const COMMON_GATES = ['ComponentFlagz', 'ComponentStatusz', 'WatchListClient', ...LOGGING_GATES] as const;

/** @param flag as `--feature-gates` was given @param version whose gates they are @returns what is wrong with it */
export function gateErrors(flag: ReadonlyMap<string, readonly string[]>, version?: EffectiveVersion): string[] {
  try {
    parseFeatureGates(flag, version);
    return [];
  } catch (error) {
    if (error instanceof FeatureGateError) return [error.message];
    throw error;
  }
}

/**
 * Of a component whose gates may be in its file. @param said by the file, by flags: what is said last counts
 * @throws StartupError in upstream's words
 */
export function mergedGates(...said: readonly Iterable<readonly [string, boolean]>[]): FeatureGates {
  try {
    return new FeatureGates(new Map(said.flatMap((each) => [...each])));
  } catch (error) {
    if (!(error instanceof FeatureGateError)) throw error;
    throw new StartupError(`failed to set feature gates: ${error.message}`, 'correct --feature-gates and featureGates');
  }
}

/** Tells which of the gates that somebody has set change nothing. @param effective those that do */
export function tellIdleGates(gates: FeatureGates, effective: readonly string[], logger: Logger): void {
  const idle = gates.changed.filter((name) => !effective.includes(name));
  if (idle.length > 0) logger.warn({ gates: idle }, 'These feature gates have no effect yet');
}
