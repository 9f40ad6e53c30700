/**
 * The behaviour of every built-in kind, by resource and group. A resource without an entry has no behaviour of its own:
 * it is stored as it comes.
 */
import type { KindRegistration } from './strategy.ts';

/** @returns registrations by `resource` (core) or `resource.group` */
export function builtinRegistrations(): Readonly<Record<string, KindRegistration>> {
  return {};
}
