import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Logger } from '@keelson/component/logs/logger';
import { type TracingConfiguration, targetOf, validateTracing } from '@keelson/component/tracing/configuration';
import { OtlpExporter } from '@keelson/component/tracing/exporter';
import { aggregate } from '../aggregate.ts';
import { apiServerId } from '../bootstrap/identity-lease.ts';
import { openProblem } from '../configuration-file.ts';
import type { Dial } from '../connect/dial.ts';
import { Relays } from '../egress/relay.ts';
import { readTracingConfiguration } from './configuration.ts';
import type { Tracing } from './index.ts';
import { RequestTracer } from './tracer.ts';

/**
 * @param path of a TracingConfiguration
 * @param dial how the collector is reached. Default: straight
 * @throws Error in upstream's words for a file that cannot be read or used
 */
export async function startTracing(path: string, logger: Logger, dial: Dial | undefined): Promise<Tracing> {
  const configuration = read(path);
  const { endpoint, samplingRatePerMillion } = configuration;
  const relays = dial && (await Relays.open(dial));
  const relay = (await relays?.to([endpoint]))?.get(endpoint);
  const target = relay === undefined ? targetOf(endpoint) : `unix:${relay}`;
  const exporter = new OtlpExporter(target, logger, async () => relays?.close());
  const resource = { 'service.name': 'apiserver', 'service.instance.id': apiServerId(hostname()) };
  return new RequestTracer({ samplingRatePerMillion, exporter, scope: 'keelson/apiserver', resource });
}

function read(path: string): TracingConfiguration {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = openProblem(error, path);
    throw new Error(`failed to read tracing config: unable to read tracing configuration from "${path}": ${why}`);
  }
  let configuration: TracingConfiguration;
  try {
    configuration = readTracingConfiguration(text);
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`failed to read tracing config: unable to decode tracing configuration data: ${why}`);
  }
  const failure = aggregate([...validateTracing(configuration)].map((error) => new Error(String(error))));
  if (failure) throw new Error(`failed to validate tracing configuration: ${failure.message}`);
  return configuration;
}
