/** TracingConfiguration, apiserver.config.k8s.io: the file that says where traces go, and of how many requests. */
import type { ConfigObject } from '@keelson/component/configfile';
import { DEFAULT_ENDPOINT, type TracingConfiguration } from '@keelson/component/tracing/configuration';
import { openConfiguration } from '../configuration-file.ts';

/** Nothing is validated yet. @throws ConfigFileError */
export function readTracingConfiguration(text: string): TracingConfiguration {
  return openConfiguration(text, 'TracingConfiguration', (root: ConfigObject) => {
    const configuration = {
      endpoint: root.string('endpoint', DEFAULT_ENDPOINT),
      samplingRatePerMillion: root.integer('samplingRatePerMillion'),
    };
    root.expectNothingElse();
    return configuration;
  });
}
