/** `--admission-control-config-file`: what plugins are told (k8s.io/apiserver/pkg/admission/config.go). */
import { readYaml } from '@keelson/api/codec/yaml';
import { ConfigObject, readStrictly } from '@keelson/component/configfile';
import { webhookUsers } from './webhook/users.ts';

/** By the plugin's name: its configuration, decoded, and not looked at yet; for webhooks a `WebhookUsers`. */
export type PluginConfigurations = ReadonlyMap<string, unknown>;

/** The text of another file; relative names start from the first one's directory. @throws Error */
export type ReadOther = (path: string) => string;

const WEBHOOKS: ReadonlySet<string> = new Set(['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook']);
/** Files from before there was a kind for them: the configuration of this one plugin. */
const LEGACY = { podNodeSelectorPluginConfig: 'PodNodeSelector', imagePolicy: 'ImagePolicyWebhook' } as const;

/** @param text the file that the flag names. @throws ConfigFileError, DecodeError, or what `read` throws */
export function admissionConfiguration(text: string, read: ReadOther): PluginConfigurations {
  const file = readYaml(text);
  const config = new ConfigObject(file);
  if (config.raw('kind') === undefined || config.raw('apiVersion') === undefined) {
    const known = config.names().filter((name) => name in LEGACY) as (keyof typeof LEGACY)[];
    if (known.length > 0) return new Map(known.map((name) => [LEGACY[name], file]));
  }
  const plugins = readStrictly(file, (root) => {
    const isOld = root.string('apiVersion') === 'apiserver.k8s.io/v1alpha1';
    root.expectKind(
      isOld ? 'apiserver.k8s.io' : 'apiserver.config.k8s.io',
      [isOld ? 'v1alpha1' : 'v1'],
      'AdmissionConfiguration',
    );
    const entries = root.objects('plugins').map((plugin) => {
      const entry = { name: plugin.string('name'), path: plugin.string('path'), embedded: plugin.raw('configuration') };
      plugin.expectNothingElse();
      return entry;
    });
    root.expectNothingElse();
    return entries;
  }).map(({ name, path, embedded }) => {
    return [name, embedded ?? (path === '' ? undefined : readYaml(read(path)))] as const;
  });
  // The first entry of a plugin counts.
  const given = plugins.filter(([, value]) => value !== undefined).reverse();
  return new Map(given.map(([name, value]) => [name, WEBHOOKS.has(name) ? webhookUsers(value, read) : value]));
}
