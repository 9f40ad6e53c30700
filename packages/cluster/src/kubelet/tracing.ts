/** Traces of what the kubelet does, as `tracing` in its configuration says. docs/tracing.md */
import { aggregateText } from '@keelson/api/aggregate';
import type { Logger } from '@keelson/component/logs/logger';
import { DEFAULT_ENDPOINT, targetOf, validateTracing } from '@keelson/component/tracing/configuration';
import type { Tracing } from '@keelson/component/tracing/index';
import { StartupError } from '../startup-error.ts';

export interface TracingFile {
  readonly tracing?: { readonly endpoint?: string | null; readonly samplingRatePerMillion?: number | null } | null;
}

/**
 * Undefined where the configuration does not want them: their code is loaded with them alone.
 * @param hostName tells this kubelet from others
 * @throws StartupError in upstream's words
 */
export async function openTracing(
  { tracing }: TracingFile,
  hostName: string,
  logger: Logger,
): Promise<Tracing | undefined> {
  if (!tracing) return undefined;
  const settings = {
    endpoint: tracing.endpoint ?? DEFAULT_ENDPOINT,
    samplingRatePerMillion: tracing.samplingRatePerMillion ?? 0,
  };
  const errors = Array.from(validateTracing(settings, 'tracing'), String);
  if (errors.length > 0) {
    const message = `failed to validate kubelet configuration, error: ${aggregateText(errors)}`;
    throw new StartupError(message, 'correct tracing in the file that --config names');
  }
  const [{ Tracer }, { OtlpExporter }] = await Promise.all([
    import('@keelson/component/tracing/tracer'),
    import('@keelson/component/tracing/exporter'),
  ]);
  return new Tracer({
    samplingRatePerMillion: settings.samplingRatePerMillion,
    exporter: new OtlpExporter(targetOf(settings.endpoint), logger),
    scope: 'k8s.io/kubernetes/pkg/kubelet',
    resource: { 'service.name': 'kubelet', 'host.name': hostName },
  });
}
