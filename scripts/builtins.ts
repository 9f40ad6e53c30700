/**
 * How bundles reach the modules that belong to Node.js. To import one of them as an ES module costs a start twice: Node.js wraps it
 * in a module, and to fill that reads each of its exports, some of which load much more (`WebSocket` of node:http all of undici,
 * `webcrypto` of node:crypto, `promises` of node:fs). Here they are the plain objects that they are, of which is read what is used.
 */
import { isBuiltin } from 'node:module';
import type { Plugin } from 'rolldown';

const PREFIX = '\0builtin:';

/** rolldown's own code imports it, so that it can't come out of a bundle's files. */
const KEPT = 'node:module';

export const builtins: Plugin = {
  name: 'builtins',
  resolveId(id, _importer, { kind }) {
    const name = isBuiltin(id) && !id.startsWith('node:') ? `node:${id}` : id;
    if (!isBuiltin(id) || name === KEPT || kind === 'require-call') return null;
    return { id: PREFIX + name, moduleSideEffects: false };
  },
  load(id) {
    if (!id.startsWith(PREFIX)) return null;
    const name = id.slice(PREFIX.length);
    const exported = Object.keys(process.getBuiltinModule(name) ?? {}).filter((key) => key !== 'default');
    return [
      `const builtin = /*#__PURE__*/ process.getBuiltinModule('${name}');`,
      'export default builtin;',
      // Pure, so that what nobody imports is not read.
      ...exported.map((key, i) => `const export${i} = /*#__PURE__*/ (() => builtin[${JSON.stringify(key)}])();`),
      `export { ${exported.map((key, i) => `export${i} as ${JSON.stringify(key)}`).join(', ')} };`,
    ].join('\n');
  },
};
