/** How long pods have when the machine goes down, as the kubelet's configuration says it, with upstream's findings (apis/config/validation). */
import { aggregateText } from '@keelson/api/aggregate';
import { formatDuration, parseDuration } from '@keelson/component/go/duration';
import type { ShutdownPeriod } from '@keelson/kubelet/policies';

/** Fields of a KubeletConfiguration. */
export interface ShutdownFile {
  readonly shutdownGracePeriod?: string;
  readonly shutdownGracePeriodCriticalPods?: string;
  readonly shutdownGracePeriodByPodPriority?: readonly {
    readonly priority?: number;
    readonly shutdownGracePeriodSeconds?: number;
  }[];
}

/** Of pods without a class of their own, and of those that the cluster cannot be without. */
const [REGULAR, CRITICAL] = [0, 2_000_000_000];

/** Without a word none: the machine waits for nobody. @throws Error with all findings, `[first, second]` where there are several */
export function shutdownPeriodsOf(file: ShutdownFile): ShutdownPeriod[] {
  const { shutdownGracePeriodByPodPriority: byPriority = [] } = file;
  const [all, critical] = [file.shutdownGracePeriod, file.shutdownGracePeriodCriticalPods].map((text) =>
    text ? parseDuration(text) : 0,
  ) as [number, number];
  const problems = [
    critical > all && `shutdownGracePeriodCriticalPods ${shown(critical)} must be <= shutdownGracePeriod ${shown(all)}`,
    isFraction(all) && `shutdownGracePeriod ${shown(all)} must be either zero or otherwise >= 1 sec`,
    isFraction(critical) &&
      `shutdownGracePeriodCriticalPods ${shown(critical)} must be either zero or otherwise >= 1 sec`,
    byPriority.length > 0 &&
      (all > 0 || critical > 0) &&
      'Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time',
  ].flatMap((problem) => (problem ? [`invalid configuration: ${problem}`] : []));
  if (problems.length > 0) throw new Error(aggregateText(problems));
  if (byPriority.length > 0) {
    return byPriority.map(({ priority = 0, shutdownGracePeriodSeconds: seconds = 0 }) => ({ priority, seconds }));
  }
  if (all === 0) return [];
  return [
    { priority: REGULAR, seconds: Math.floor((all - critical) / 1000) },
    { priority: CRITICAL, seconds: Math.floor(critical / 1000) },
  ];
}

const isFraction = (ms: number) => ms !== 0 && ms < 1000;

const shown = (ms: number) => `{${formatDuration(ms)}}`;
