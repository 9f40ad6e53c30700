/**
 * What priority and fairness counts, under upstream's names (…/flowcontrol/metrics/metrics.go). Nearly all of it is read
 * from the tallies and levels when somebody asks; a request itself is observed in three histograms.
 */
import {
  Counter,
  Gauge,
  Histogram,
  type HistogramSeries,
  WeightedHistogram,
} from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { FlowController } from './controller.ts';
import type { FlowClass } from './flowclass.ts';
import type { PriorityLevel } from './level.ts';
import type { Refusal, Tally } from './request.ts';
import type { TimedRatio } from './timedratio.ts';

const PREFIX = 'apiserver_flowcontrol_';
const BY_LEVEL = ['priority_level'] as const;
const BY_CLASS = ['priority_level', 'flow_schema'] as const;
const SECONDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

type Stability = 'ALPHA' | 'BETA';

const LEVEL_GAUGES: readonly (readonly [string, Stability, string, (level: PriorityLevel) => number])[] = [
  ['nominal_limit_seats', 'BETA', "Seats that are the level's share.", ({ limits }) => limits.nominal],
  ['lower_limit_seats', 'ALPHA', 'Seats that the level keeps at least.', ({ limits }) => limits.min],
  ['upper_limit_seats', 'ALPHA', 'Seats that the level may have by borrowing.', ({ limits }) => limits.max],
  ['current_limit_seats', 'ALPHA', 'Seats that the level has now.', ({ seats }) => seats],
  ['target_seats', 'ALPHA', 'Seats that the level would be given if there were enough.', ({ target }) => target],
  ['demand_seats_high_watermark', 'ALPHA', 'Most seats wanted in the last period.', ({ demand }) => demand.peak],
  ['demand_seats_average', 'ALPHA', 'Seats wanted in the last period, on average.', ({ demand }) => demand.average],
  ['demand_seats_stdev', 'ALPHA', 'Deviation of the seats wanted.', ({ demand }) => demand.deviation],
  ['demand_seats_smoothed', 'ALPHA', 'Seats wanted, smoothed over periods.', ({ demand }) => demand.smoothed],
  ['current_r', 'ALPHA', "The level's progress in virtual time.", ({ queues }) => queues.progress],
];

const CLASS_GAUGES: readonly (readonly [string, Stability, string, (tally: Tally) => number])[] = [
  ['current_inqueue_requests', 'BETA', 'Requests that wait in queues.', ({ waiting }) => waiting],
  ['current_inqueue_seats', 'ALPHA', 'Seats that are waited for in queues.', ({ seatsWaiting }) => seatsWaiting],
  ['current_executing_requests', 'BETA', 'Requests that are served, watches while they begin.', (t) => t.executing],
  ['current_executing_seats', 'BETA', 'Seats that are taken.', ({ seatsInUse }) => seatsInUse],
];

const CLASS_COUNTERS: readonly (readonly [string, Stability, string, (tally: Tally) => number])[] = [
  ['dispatched_requests_total', 'BETA', 'Requests that were served.', ({ dispatched }) => dispatched],
  [
    'request_dispatch_no_accommodation_total',
    'ALPHA',
    'How often the next request needed more seats than were free.',
    ({ noAccommodation }) => noAccommodation,
  ],
];

interface Series {
  readonly executed: HistogramSeries;
  readonly watched: HistogramSeries;
  readonly waited: HistogramSeries;
  readonly waitedInVain: HistogramSeries;
  readonly seats: HistogramSeries;
}

export class FlowMetrics {
  readonly #waiting: Histogram;
  readonly #execution: Histogram;
  readonly #seats: Histogram;
  readonly #series = new WeakMap<FlowClass, Series>();

  constructor(registry: MetricsRegistry, controller: FlowController) {
    for (const [name, stability, help, value] of LEVEL_GAUGES) {
      const collect = (gauge: Gauge): void => {
        gauge.clear();
        for (const level of controller.levels) gauge.with(level.name).value = value(level);
      };
      registry.register(new Gauge({ name: PREFIX + name, help, stability, labels: BY_LEVEL }, collect));
    }
    for (const [name, stability, help, value] of CLASS_GAUGES) {
      const collect = (gauge: Gauge): void => setEach(gauge, controller, value);
      registry.register(new Gauge({ name: PREFIX + name, help, stability, labels: BY_CLASS }, collect));
    }
    for (const [name, stability, help, value] of CLASS_COUNTERS) {
      const collect = (counter: Counter): void => setEach(counter, controller, value);
      registry.register(new Counter({ name: PREFIX + name, help, stability, labels: BY_CLASS }, collect));
    }
    for (const family of usage(controller)) registry.register(family);
    registry.register(refusals(controller));
    registry.register(fairFraction(controller));
    const histogram = (name: string, stability: Stability, help: string, labels: readonly string[], bounds: number[]) =>
      registry.register(new Histogram({ name: PREFIX + name, help, stability, labels }, bounds));
    const waitLabels = [...BY_CLASS, 'execute'];
    const typeLabels = [...BY_CLASS, 'type'];
    this.#waiting = histogram('request_wait_duration_seconds', 'BETA', 'Time in a queue.', waitLabels, SECONDS);
    this.#execution = histogram('request_execution_seconds', 'ALPHA', 'Time being served.', typeLabels, SECONDS);
    const bounds = [1, 2, 4, 8, 16, 32, 64, 100];
    this.#seats = histogram('work_estimated_seats', 'ALPHA', 'Seats that a request takes.', [...BY_CLASS], bounds);
  }

  arrived(flowClass: FlowClass, seats: number): void {
    this.#of(flowClass).seats.observe(seats);
  }

  /** @param ms from its arrival to its turn, or until it was refused */
  waited(flowClass: FlowClass, ms: number, served: boolean): void {
    if (flowClass.level.isExempt) return;
    const series = this.#of(flowClass);
    (served ? series.waited : series.waitedInVain).observe(ms / 1000);
  }

  executed(flowClass: FlowClass, ms: number, isWatch: boolean): void {
    const series = this.#of(flowClass);
    (isWatch ? series.watched : series.executed).observe(ms / 1000);
  }

  #of(flowClass: FlowClass): Series {
    let series = this.#series.get(flowClass);
    if (series === undefined) {
      const labels = [flowClass.level.name, flowClass.name];
      series = {
        executed: this.#execution.with(...labels, 'regular'),
        watched: this.#execution.with(...labels, 'watch'),
        waited: this.#waiting.with(...labels, 'true'),
        waitedInVain: this.#waiting.with(...labels, 'false'),
        seats: this.#seats.with(...labels),
      };
      this.#series.set(flowClass, series);
    }
    return series;
  }
}

function setEach(family: Gauge | Counter, controller: FlowController, value: (tally: Tally) => number): void {
  for (const tally of controller.tallies) {
    if (tally.dispatched > 0 || isRefused(tally)) family.with(tally.level, tally.schema).value = value(tally);
  }
}

function isRefused({ refused, waiting }: Tally): boolean {
  return waiting > 0 || Object.values(refused).some((count) => count > 0);
}

/** The histograms that are weighted by time; of their stability upstream says nothing. */
function usage(controller: FlowController): WeightedHistogram[] {
  const family = (
    name: string,
    help: string,
    labels: readonly string[],
    series: () => Iterable<readonly [TimedRatio, ...string[]]>,
  ) =>
    new WeightedHistogram({ name: PREFIX + name, help, labels }, function* () {
      for (const [ratio, ...values] of series()) {
        ratio.pass(controller.now());
        yield [ratio, values];
      }
    });
  const levels = () => [...controller.levels];
  return [
    family(
      'priority_level_request_utilization',
      'Requests, as a part of what there is room for, over time.',
      ['phase', ...BY_LEVEL],
      () =>
        levels().flatMap(({ name, queues: { usage: u } }) => [
          [u.waiting, 'waiting', name] as const,
          [u.executing, 'executing', name] as const,
        ]),
    ),
    family(
      'priority_level_seat_utilization',
      'The part of seats that is in use, over time.',
      ['phase', ...BY_LEVEL],
      () => levels().map(({ name, queues }) => [queues.usage.seats, 'executing', name] as const),
    ),
    family('demand_seats', 'Seats that are wanted, as a part of those that there are, over time.', BY_LEVEL, () =>
      levels().map(({ name, queues }) => [queues.usage.demand, name] as const),
    ),
    family(
      'read_vs_write_current_requests',
      'Requests of the whole server, as a part of what there is room for, over time.',
      ['phase', 'request_kind'],
      () =>
        (['waiting', 'executing'] as const).flatMap((phase) => [
          [controller.concurrency[phase].reads, phase, 'readOnly'] as const,
          [controller.concurrency[phase].writes, phase, 'mutating'] as const,
        ]),
    ),
  ];
}

function refusals(controller: FlowController): Counter {
  const description = {
    name: `${PREFIX}rejected_requests_total`,
    help: 'Requests that were refused.',
    stability: 'BETA',
    labels: [...BY_CLASS, 'reason'],
  } as const;
  return new Counter(description, (counter) => {
    for (const { level, schema, refused } of controller.tallies) {
      for (const reason of Object.keys(refused) as Refusal[]) {
        if (refused[reason] > 0) counter.with(level, schema, reason).value = refused[reason];
      }
    }
  });
}

function fairFraction(controller: FlowController): Gauge {
  const help = 'The part of its target that every level gets which meets no bound.';
  return new Gauge({ name: `${PREFIX}seat_fair_frac`, help, stability: 'ALPHA' }, (gauge) => {
    gauge.with().value = controller.fairFraction;
  });
}
