/** The fields that the kinds of configuration files have, at any depth. */
import { isObject } from '@keelson/api/patch/value';
import { meantBy } from '@keelson/component/pflag/flags';

/** The names of an object's fields, and what is in them: of `undefined` nothing is known, and anything may be there. */
export interface ConfigFields {
  readonly [name: string]: ConfigFields | undefined;
}

/** @param names of fields, with spaces between them @param nested fields that are objects, or lists of such */
export function configFields(names: string, nested: ConfigFields = {}): ConfigFields {
  const plain = names.split(/\s+/).filter((name) => name !== '');
  return { ...Object.fromEntries(plain.map((name) => [name, undefined])), ...nested };
}

const ROUTING = configFields('splitStream infoBufferSize');

/** k8s.io/component-base/logs/api/v1 LoggingConfiguration. */
export const LOGGING_FIELDS = configFields('format flushFrequency verbosity', {
  vmodule: configFields('filePattern verbosity'),
  options: { text: ROUTING, json: ROUTING },
});

/** @returns the fields that there are not, in upstream's words and with what may have been meant; undefined: none */
export function unknownFields(object: object, fields: ConfigFields): string | undefined {
  const told = [...unknownIn(object, fields, '')];
  return told.length === 0 ? undefined : `strict decoding error: ${told.join(', ')}`;
}

function* unknownIn(value: unknown, fields: ConfigFields, at: string): Generator<string> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* unknownIn(item, fields, `${at}[${i}]`);
  } else if (isObject(value)) {
    for (const name of Object.keys(value).sort()) {
      const path = at === '' ? name : `${at}.${name}`;
      const within = fields[name];
      if (within !== undefined) yield* unknownIn(value[name], within, path);
      else if (!Object.hasOwn(fields, name)) yield `unknown field ${JSON.stringify(path)}${hint(name, fields)}`;
    }
  }
}

function hint(name: string, fields: ConfigFields): string {
  const meant = meantBy(name, Object.keys(fields));
  return meant === undefined ? '' : ` (${meant}?)`;
}
