/** Who has which CPUs, on disk, in upstream's form and with its checksum (pkg/kubelet/cm/cpumanager/state/checkpoint.go). */
import { fnv32a } from '../pods/hash.ts';
import { CpuAssignments } from './assignments.ts';
import { formatCpus, parseCpus } from './set.ts';

export const CPU_STATE = 'cpu_manager_state';

type Entries = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Stored {
  readonly policyName: string;
  readonly defaultCpuSet: string;
  readonly entries?: Entries;
  /** 0: nobody checks. */
  readonly checksum: number;
}

export function formatCpuState(policy: string, assignments: CpuAssignments): string {
  const pods = Map.groupBy(assignments.entries(), ({ uid }) => uid);
  const entries = sortedEntries(
    [...pods].map(([uid, containers]) => [
      uid,
      sortedEntries(containers.map(({ container, cpus }) => [container, formatCpus(cpus)])),
    ]),
  );
  const stored = { policyName: policy, defaultCpuSet: formatCpus(assignments.shared), entries };
  const { entries: own, ...rest } = stored;
  const checksum = checksumOf(stored, NAMES[0]);
  return JSON.stringify({ ...rest, ...(pods.size > 0 ? { entries: own } : {}), checksum });
}

/** @throws Error where it is none, was changed, or is another policy's */
export function parseCpuState(text: string, policy: string): CpuAssignments {
  const stored = JSON.parse(text) as Stored;
  if (stored.checksum !== 0 && NAMES.every((name) => checksumOf(stored, name) !== stored.checksum)) {
    throw new Error('checkpoint is corrupted');
  }
  if (stored.policyName !== policy) {
    const differs = `differs from state checkpoint policy ${JSON.stringify(stored.policyName)}`;
    throw new Error(`configured policy ${JSON.stringify(policy)} ${differs}`);
  }
  const cpus = (list: string, what: string) => {
    try {
      return parseCpus(list);
    } catch (error) {
      throw new Error(`could not parse ${what}: ${(error as Error).message}`, { cause: error });
    }
  };
  const shared = cpus(stored.defaultCpuSet, `default cpu set ${JSON.stringify(stored.defaultCpuSet)}`);
  const own = Object.entries(stored.entries ?? {}).map(([uid, containers]) => {
    const sets = Object.entries(containers).map(([name, list]) => {
      const what = `cpuset ${JSON.stringify(list)} for container ${JSON.stringify(name)} in pod ${JSON.stringify(uid)}`;
      return [name, cpus(list, what)] as const;
    });
    return [uid, new Map(sets)] as const;
  });
  return new CpuAssignments(shared, own);
}

/** That of before the format had versions, by which it is written, and its own. */
const NAMES = ['CPUManagerCheckpoint', 'CPUManagerCheckpointV2'] as const;

/** Of what Go's debug printer writes, with types. */
function checksumOf({ policyName, defaultCpuSet, entries = {} }: Omit<Stored, 'checksum'>, name: string): number {
  const map = (object: object, value: (value: never) => string) =>
    `map[${Object.entries(object)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => `${key}:${value(each as never)}`)
      .join(' ')}]`;
  const all = map(entries, (containers: object) => map(containers, (list: string) => list));
  const fields = `PolicyName:(string)${policyName} DefaultCPUSet:(string)${defaultCpuSet} Entries:(map[string]map[string]string)${all}`;
  return fnv32a(Buffer.from(`(*state.${name}){${fields} Checksum:(checksum.Checksum)0}`));
}

function sortedEntries<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
