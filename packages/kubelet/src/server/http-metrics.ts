/** What is counted of requests to the kubelet's ports (pkg/kubelet/server/metrics). */
import { Counter, DEFAULT_BOUNDS, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

/** The first words of paths that there are, two of those below /metrics; what else is asked for is `other`. */
const PATHS: ReadonlySet<string> = new Set([
  ...['healthz', 'pods', 'runningpods', 'stats', 'logs', 'containerLogs', 'checkpoint', 'configz', 'run', 'debug'],
  ...['exec', 'attach', 'portForward', 'flagz', 'statusz'],
  ...['metrics', 'metrics/cadvisor', 'metrics/probes', 'metrics/resource'],
]);
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT']);
/** As upstream has them: port-forward is spelled otherwise there, and is none. */
const LONG: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'debug']);

export class HttpMetrics {
  readonly #requests: Counter;
  readonly #durations: Histogram;
  readonly #inFlight: Gauge;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number) {
    this.#now = now;
    const about = (name: string, help: string) =>
      ({
        name: `kubelet_http_${name}`,
        help,
        stability: 'ALPHA',
        labels: ['method', 'path', 'server_type', 'long_running'],
      }) as const;
    this.#requests = new Counter(about('requests_total', 'Requests to the kubelet.'));
    this.#durations = new Histogram(
      about('requests_duration_seconds', 'How long requests to the kubelet took.'),
      DEFAULT_BOUNDS,
    );
    this.#inFlight = new Gauge(about('inflight_requests', 'Requests to the kubelet that are being answered.'));
  }

  register(registry: MetricsRegistry): void {
    registry.register(this.#requests);
    registry.register(this.#durations);
    registry.register(this.#inFlight);
  }

  /** Answers a request. @param server whether it may do more than look. @throws what it throws */
  async observe<T>(
    { method = '', url = '' }: { readonly method?: string | undefined; readonly url?: string | undefined },
    server: 'readwrite' | 'readonly',
    answer: () => Promise<T>,
  ): Promise<T> {
    const path = pathOf(url);
    const labels = [METHODS.has(method) ? method : 'other', path, server, String(LONG.has(path))];
    this.#requests.with(...labels).inc();
    const inFlight = this.#inFlight.with(...labels);
    inFlight.value++;
    const startedAt = this.#now();
    try {
      return await answer();
    } finally {
      inFlight.value--;
      this.#durations.with(...labels).observe((this.#now() - startedAt) / 1000);
    }
  }
}

function pathOf(url: string): string {
  const [, first = '', second = ''] = url.split(/[/?]/);
  const path = first === 'metrics' && second !== '' && url.startsWith('/metrics/') ? `metrics/${second}` : first;
  return PATHS.has(path) ? path : 'other';
}
