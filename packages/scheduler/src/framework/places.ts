import type { PluginsConfiguration, ProfileConfiguration } from '../config/types.ts';
import type { Plugin } from './plugin.ts';

/** The places in a cycle where plugins have a say, as the configuration names them, with the method that each calls. */
export const extensions = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type Extension = (typeof extensions)[number];

function extendsTo(plugin: Plugin, extension: Extension): boolean {
  return plugin[extension === 'queueSort' ? 'compare' : extension] !== undefined;
}

/**
 * Spreads out `multiPoint`: a plugin enabled there has its say wherever it has a method, unless that place says otherwise.
 * What a place names itself and multiPoint too comes first, then the rest of multiPoint, then what only the place names.
 * @throws Error for plugins that do not exist, or have nothing to say where they are named
 */
export function placesOf(
  { plugins: configured }: ProfileConfiguration,
  made: ReadonlyMap<string, Plugin>,
): Record<Extension, readonly Plugin[]> {
  const places = {} as Record<Extension, readonly Plugin[]>;
  for (const extension of extensions) places[extension] = pluginsAt(extension, configured, made);
  return places;
}

function pluginsAt(
  extension: Extension,
  configured: PluginsConfiguration,
  made: ReadonlyMap<string, Plugin>,
): readonly Plugin[] {
  const kind = `${extension[0]!.toUpperCase()}${extension.slice(1)}Plugin`;
  const get = (name: string): Plugin => {
    const plugin = made.get(name);
    if (!plugin) throw new Error(`${kind} "${name}" does not exist`);
    return plugin;
  };
  const named: Plugin[] = [];
  for (const { name } of configured[extension].enabled) {
    const plugin = get(name);
    if (!extendsTo(plugin, extension)) throw new Error(`plugin "${name}" does not extend ${kind} plugin`);
    if (named.includes(plugin)) throw new Error(`plugin "${name}" already registered as "${kind}"`);
    named.push(plugin);
  }
  const disabled = new Set(configured[extension].disabled.map(({ name }) => name));
  if (disabled.has('*')) return named;
  const everywhere: Plugin[] = [];
  const renamed = new Set<Plugin>();
  for (const { name } of configured.multiPoint.enabled) {
    const plugin = get(name);
    if (!extendsTo(plugin, extension) || disabled.has(name)) continue;
    if (named.includes(plugin)) renamed.add(plugin);
    else if (everywhere.includes(plugin)) throw new Error(`plugin "${name}" already registered as "${kind}"`);
    else everywhere.push(plugin);
  }
  return [
    ...named.filter((plugin) => renamed.has(plugin)),
    ...everywhere,
    ...named.filter((plugin) => !renamed.has(plugin)),
  ];
}
