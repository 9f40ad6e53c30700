/** What the managers of CPUs and of topology are told by name (cpumanager/policy_options.go, topologymanager/policy_options.go). */
import { parseBool } from '@keelson/component/go/strconv';
import type { CpuSettings } from '../cpus/manager.ts';
import type { StaticOptions } from '../cpus/static.ts';
import type { IsEnabled } from '../gates.ts';
import type { TopologyOptions } from './manager.ts';

type Texts = Readonly<Record<string, string>>;

const BETA = ['distribute-cpus-across-numa'];
const ALPHA = ['align-by-socket', 'distribute-cpus-across-cores'];
const CPU_OPTIONS = {
  'full-pcpus-only': 'wholeCores',
  'strict-cpu-reservation': 'strict',
  'distribute-cpus-across-numa': 'distribute',
  'prefer-align-cpus-by-uncorecache': 'byCache',
} as const;

/** @throws Error in upstream's words */
export function cpuOptions(
  policy: string,
  texts: Texts,
  isEnabled: IsEnabled,
): StaticOptions & Pick<CpuSettings, 'policy'> {
  const options = { wholeCores: false, strict: false, distribute: false, byCache: false };
  if (policy === 'none') {
    const given = Object.entries(texts).map(([name, text]) => `${name}:${text}`);
    if (given.length === 0) return { policy, ...options };
    throw new Error(`new none policy error: None policy: received unsupported options=map[${given.sort().join(' ')}]`);
  }
  if (policy !== 'static') throw new Error(`unknown policy: "${policy}"`);
  const failed = (problem: string) => new Error(`new static policy error: ${problem}`);
  for (const [name, text] of Object.entries(texts)) {
    if (!ALPHA.includes(name) && !(name in CPU_OPTIONS)) {
      throw failed(`unknown CPU Manager Policy option: ${JSON.stringify(name)}`);
    }
    const isEarly = ALPHA.includes(name);
    if (isEarly || (BETA.includes(name) && !isEnabled('CPUManagerPolicyBetaOptions'))) {
      const provided = `but option ${JSON.stringify(name)} provided`;
      throw failed(`CPU Manager Policy ${isEarly ? 'Alpha' : 'Beta'}-level Options not enabled, ${provided}`);
    }
    try {
      options[CPU_OPTIONS[name as keyof typeof CPU_OPTIONS]] = parseBool(text);
    } catch (error) {
      throw failed(`bad value for option ${JSON.stringify(name)}: ${(error as Error).message}`);
    }
  }
  if (options.distribute && options.byCache) {
    const both = 'prefer-align-cpus-by-uncorecache and distribute-cpus-across-numa';
    throw failed(`static policy options ${both} can not be used at the same time`);
  }
  return { policy, ...options };
}

const LEAST_NODES = 8;

/** @throws Error in upstream's words */
export function topologyOptions(texts: Texts): Pick<TopologyOptions, 'preferClosest' | 'maxNodes'> {
  const options = { preferClosest: false, maxNodes: LEAST_NODES };
  for (const [name, text] of Object.entries(texts)) {
    if (name === 'prefer-closest-numa-nodes') {
      try {
        options.preferClosest = parseBool(text);
      } catch (error) {
        throw new Error(`bad value for option ${JSON.stringify(name)}: ${(error as Error).message}`);
      }
    } else if (name === 'max-allowable-numa-nodes') {
      if (!/^[+-]?\d+$/.test(text)) {
        const why = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
        throw new Error(`unable to convert policy option to integer ${JSON.stringify(name)}: ${why}`);
      }
      options.maxNodes = Number(text);
      if (options.maxNodes < LEAST_NODES) {
        throw new Error(`the minimum value of ${JSON.stringify(name)} should not be less than ${LEAST_NODES}`);
      }
    } else throw new Error(`unknown Topology Manager Policy option: ${JSON.stringify(name)}`);
  }
  return options;
}
