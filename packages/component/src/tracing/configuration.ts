/** Where traces go, and of how much (k8s.io/component-base/tracing/api/v1). */
import { type FieldError, invalid, Path } from '@keelson/api/field';

export interface TracingConfiguration {
  /** As gRPC names servers: `host:port`, `dns:///host:port`, `unix:///path`, `unix-abstract:name`. */
  readonly endpoint: string;
  /** Of a million that come without a trace of their own. */
  readonly samplingRatePerMillion: number;
}

export const DEFAULT_ENDPOINT = 'localhost:4317';
const MILLION = 1_000_000;
const SCHEMES = ['dns', 'unix', 'unix-abstract'];

/** @param field of which it is the value, in some other configuration @returns everything that is wrong */
export function* validateTracing(
  { endpoint, samplingRatePerMillion: rate }: TracingConfiguration,
  field?: string,
): Iterable<FieldError> {
  const of = (name: string) => (field === undefined ? Path.of(name) : Path.of(field).child(name));
  const at = of('samplingRatePerMillion');
  if (rate < 0) yield invalid(at, rate, 'sampling rate must be positive');
  if (rate > MILLION) yield invalid(at, rate, 'sampling rate per million must be less than or equal to one million');
  const url = endpoint.includes('//') ? endpoint : `dns://${endpoint}`;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase() ?? '';
  if (!SCHEMES.includes(scheme)) {
    const problem = `unsupported scheme: ${scheme}.  Options are none, dns, unix, or unix-abstract.  See https://github.com/grpc/grpc/blob/master/doc/naming.md`;
    yield invalid(of('endpoint'), url, problem);
  }
}

/** As gRPC's library takes it. */
export function targetOf(endpoint: string): string {
  const [, abstract] = /^unix-abstract:(?:\/\/)?(.*)$/.exec(endpoint) ?? [];
  if (abstract !== undefined) return `unix:\0${abstract}`;
  return endpoint.includes(':/') || endpoint.startsWith('unix:') ? endpoint : `dns:${endpoint}`;
}
