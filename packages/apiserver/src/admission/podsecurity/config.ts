/** What the PodSecurity plugin is told: the policy of namespaces that have none, and who is exempt. */
import { duplicate, type ErrorList, invalid, Path } from '@keelson/api/field';
import { isDNS1123Label, isDNS1123Subdomain } from '@keelson/api/validation/names';
import { ConfigObject, readStrictly } from '@keelson/component/configfile';
import { aggregate } from '../../aggregate.ts';
import {
  LEVEL_PROBLEM,
  type LevelVersion,
  type Mode,
  type Policy,
  parseLevel,
  parseVersion,
  VERSION_PROBLEM,
} from './policy.ts';

export interface PodSecurityConfig {
  readonly defaults: Policy;
  readonly exempt: {
    readonly usernames: ReadonlySet<string>;
    readonly namespaces: ReadonlySet<string>;
    readonly runtimeClasses: ReadonlySet<string>;
  };
}

/** @param given undefined where nothing is configured. @throws ConfigFileError or AggregateFailure */
export function podSecurityConfig(given: unknown): PodSecurityConfig {
  if (given === undefined) return readConfig(new ConfigObject({}));
  return readStrictly(given, (config) => {
    config.expectKind(GROUP, ['v1', 'v1beta1', 'v1alpha1'], 'PodSecurityConfiguration');
    return readConfig(config);
  });
}

const GROUP = 'pod-security.admission.config.k8s.io';

function readConfig(config: ConfigObject): PodSecurityConfig {
  const defaults = config.object('defaults');
  const exemptions = config.object('exemptions');
  const errors: ErrorList = [];
  const enforce = levelVersion(defaults, 'enforce', errors);
  const warn = levelVersion(defaults, 'warn', errors);
  const audit = levelVersion(defaults, 'audit', errors);
  const namespaces = names(exemptions, 'namespaces', isDNS1123Label, errors);
  const runtimeClasses = names(exemptions, 'runtimeClasses', isDNS1123Subdomain, errors);
  const usernames = names(
    exemptions,
    'usernames',
    (name) => (name === '' ? ['username must not be empty'] : []),
    errors,
  );
  for (const object of [config, defaults, exemptions]) object.expectNothingElse();
  const failure = aggregate(errors.map((e) => new Error(e.toString())));
  if (failure) throw failure;
  return { defaults: { enforce, warn, audit }, exempt: { usernames, namespaces, runtimeClasses } };
}

function levelVersion(defaults: ConfigObject, mode: Mode, errors: ErrorList): LevelVersion {
  const path = Path.of('defaults');
  const level = defaults.string(mode) || 'privileged';
  const version = defaults.string(`${mode}-version`) || 'latest';
  const known = parseLevel(level);
  const knownVersion = parseVersion(version);
  if (known === undefined) errors.push(invalid(path.child(mode), level, LEVEL_PROBLEM));
  if (knownVersion === undefined) errors.push(invalid(path.child(`${mode}-version`), version, VERSION_PROBLEM));
  return { level: known ?? 'restricted', version: knownVersion ?? 'latest' };
}

function names(
  exemptions: ConfigObject,
  field: string,
  problems: (name: string) => string[],
  errors: ErrorList,
): Set<string> {
  const seen = new Set<string>();
  for (const [i, name] of exemptions.strings(field).entries()) {
    const path = Path.of('exemptions', field).index(i);
    const found = problems(name);
    if (found.length > 0) errors.push(invalid(path, name, found.join(', ')));
    else if (seen.has(name)) errors.push(duplicate(path, name));
    else seen.add(name);
  }
  return seen;
}
