/** `--feature-gates`: what is switched on and off (component-base/featuregate, component-base/compatibility). */
import { aggregateText } from '@keelson/api/aggregate';
import { type EffectiveVersion, OWN_VERSION, showRelease } from '../emulation.ts';
import { parseBool } from '../go/strconv.ts';
import { gateIn } from './former.ts';
import { type Gate, gateDependencies, knownGates } from './known.ts';

export class FeatureGateError extends Error {}

/** For a name that is no gate. */
export class UnknownGateError extends FeatureGateError {
  readonly gate: string;

  constructor(gate: string) {
    super(`unrecognized feature gate: ${gate}`);
    this.gate = gate;
  }
}

/** The gates of one server. */
export class FeatureGates {
  readonly #set: ReadonlyMap<string, boolean>;
  readonly #version: EffectiveVersion;
  /** {@link enabled} by itself, for who asks for no more. */
  readonly isEnabled: IsEnabled = (name) => this.enabled(name);

  /**
   * @param wanted by name; `AllAlpha` and `AllBeta` stand for those of a stage that are not named
   * @param version whose gates they are
   * @throws UnknownGateError for a name that is no gate, FeatureGateError for a gate that is locked or not there yet, and
   *   when what one gate depends on is disabled
   */
  constructor(wanted: ReadonlyMap<string, boolean> = new Map(), version: EffectiveVersion = OWN_VERSION) {
    this.#version = version;
    const unknown = [...wanted.keys()].find((name) => knownGates[name] === undefined);
    if (unknown !== undefined) throw new UnknownGateError(unknown);
    failWith([...wanted].flatMap(([name, value]) => refusal(name, this.#gate(name)!, value, version) ?? []));
    const set = new Map(wanted);
    for (const [all, stage] of ALL) {
      const value = wanted.get(all);
      if (value === undefined) continue;
      const others = this.all().filter(([name, gate]) => gate.stage === stage && !set.has(name) && !ALL.has(name));
      for (const [name] of others) set.set(name, value);
    }
    this.#set = set;
    failWith(Object.keys(gateDependencies).flatMap((name) => this.#missing(name) ?? []));
  }

  /** @throws Error for a name that is no gate */
  enabled(name: string): boolean {
    const gate = this.#gate(name);
    if (gate === undefined) throw new Error(`${name} is no feature gate`);
    return this.#set.get(name) ?? gate.default;
  }

  /** Those that are not as they are by default, sorted; without the names that stand for many. */
  get changed(): string[] {
    const changed = [...this.#set].filter(([name, value]) => this.#gate(name)!.default !== value && !ALL.has(name));
    return changed.map(([name]) => name).sort();
  }

  /** Every gate, as it is in the release that is emulated. */
  all(): [name: string, gate: Gate][] {
    return Object.keys(knownGates).map((name) => [name, this.#gate(name)!]);
  }

  #gate(name: string): Gate | undefined {
    return gateIn(name, this.#version.emulated.minor);
  }

  #missing(name: string): string | undefined {
    if (!this.enabled(name)) return undefined;
    const disabled = gateDependencies[name]!.filter((other) => !this.enabled(other));
    if (disabled.length === 0) return undefined;
    return `${name} is enabled, but depends on features that are disabled: [${disabled.join(' ')}]`;
  }
}

/** Whether a gate is. */
export type IsEnabled<Name extends string = string> = (gate: Name) => boolean;

const ALL: ReadonlyMap<string, Gate['stage']> = new Map([
  ['AllAlpha', 'Alpha'],
  ['AllBeta', 'Beta'],
]);
const KUBE = 'kube';
const DEFAULTS = new FeatureGates();

/** Gates where nobody has said anything. @throws Error for a name that is no gate */
export const isEnabledByDefault: IsEnabled = DEFAULTS.isEnabled;

/**
 * @param flag the pairs given for each component; '' is the server itself
 * @param version whose gates they are
 * @throws FeatureGateError in upstream's words
 */
export function parseFeatureGates(
  flag: ReadonlyMap<string, readonly string[]>,
  version: EffectiveVersion = OWN_VERSION,
): FeatureGates {
  if (flag.has('') && flag.has(KUBE)) {
    throw new FeatureGateError(
      'set kube feature gates with default empty prefix or kube: prefix consistently, do not mix use',
    );
  }
  const wanted = new Map<string, boolean>();
  for (const [component, pairs] of flag) {
    if (component !== '' && component !== KUBE) throw new FeatureGateError(`component not registered: ${component}`);
    for (const pair of pairs) if (pair !== '') wanted.set(...parsePair(pair));
  }
  return new FeatureGates(wanted, version);
}

function parsePair(pair: string): [name: string, value: boolean] {
  const at = pair.indexOf('=');
  const name = (at < 0 ? pair : pair.slice(0, at)).trim();
  if (at < 0) throw new FeatureGateError(`missing bool value for ${name}`);
  const text = pair.slice(at + 1).trim();
  try {
    return [name, parseBool(text)];
  } catch (error) {
    throw new FeatureGateError(`invalid value of ${name}=${text}, err: ${(error as Error).message}`);
  }
}

function refusal(
  name: string,
  gate: Gate,
  value: boolean,
  { emulated, minCompatible }: EffectiveVersion,
): string | undefined {
  if (gate.locked && gate.default !== value) {
    return `cannot set feature gate ${name} to ${value}, feature is locked to ${gate.default}`;
  }
  if (gate.stage !== 'PreAlpha') return undefined;
  return `cannot set feature gate ${name} to ${value}, feature is PreAlpha at emulated version ${showRelease(emulated)}, min compatibility version ${showRelease(minCompatible)}`;
}

function failWith(errors: readonly string[]): void {
  if (errors.length > 0) throw new FeatureGateError(aggregateText(errors));
}
